// Rows of recorded ways, walked over together without asking the server: a slider over the steps, for each row the noisy
// state and the model's guess. A click on an image tells Python which one (row, image, and the step that is shown).
//
// data.rows: [{label, x, x0, total, across, columns, images, side, told: [caption of each step]}]; x, x0: addresses of PNG
// files that hold all steps of the row, `across` steps beside each other, each a sheet of `images` squares in `columns`.

const GAP = 2; // screen pixels between two images of a sheet

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".scrubber");
  const slider = root.querySelector("input");
  const most = Math.max(...data.rows.map((row) => row.total));
  const rows = data.rows.map((row) => new Row(row, root, data.words, (image, step) =>
    setTriggerValue("picked", { row: data.rows.indexOf(row), image, step })));
  root.querySelector(".rows").replaceChildren(...rows.map((row) => row.element));
  const before = slider.dataset.ways === data.ways ? Number(slider.value) : most;
  slider.dataset.ways = data.ways;
  slider.max = most;
  slider.value = Math.min(before, most);
  const show = () => rows.forEach((row) => row.show(Math.round((slider.value / most) * row.row.total)));
  slider.oninput = show;
  show();
  const play = root.querySelector("button");
  let timer = null;
  const stop = () => { clearInterval(timer); timer = null; play.textContent = data.words.play; };
  play.onclick = () => {
    if (timer) return stop();
    if (Number(slider.value) === most) slider.value = 0;
    play.textContent = data.words.stop;
    timer = setInterval(() => {
      slider.value = Number(slider.value) + 1;
      show();
      if (Number(slider.value) === most) stop();
    }, Math.max(30, 3000 / most));
  };
  stop();
  return stop;
}

class Row {
  constructor(row, root, words, picked) {
    this.row = row;
    this.element = root.querySelector("template").content.firstElementChild.cloneNode(true);
    this.element.querySelector(".label").textContent = row.label;
    this.told = this.element.querySelector(".told");
    this.views = ["x", "x0"].map((what) => {
      const canvas = this.element.querySelector(`.${what}`);
      const sheets = new Image();
      sheets.onload = () => this.draw();
      sheets.src = new URL(row[what], document.baseURI);
      canvas.onclick = (event) => {
        const image = this.imageAt(canvas, event);
        if (image < row.images) picked(image, this.step);
      };
      return { canvas, sheets, alt: words[what] };
    });
  }

  show(step) {
    this.step = step;
    this.told.textContent = this.row.told[step];
    this.draw();
  }

  // Whole canvas pixels for each pixel of an image, at least as many as the place is wide; the page shrinks what is too wide.
  scale(canvas) {
    const place = (canvas.parentElement.clientWidth || 320) * (window.devicePixelRatio || 1);
    const gaps = (this.row.columns - 1) * GAP;
    return Math.max(1, Math.min(8, Math.ceil((place - gaps) / (this.row.columns * this.row.side))));
  }

  draw() {
    const { side, columns, images, across } = this.row;
    const down = Math.ceil(images / columns);
    for (const { canvas, sheets, alt } of this.views) {
      if (!sheets.complete || !sheets.naturalWidth) continue;
      const scale = this.scale(canvas);
      const place = side * scale + GAP;
      const width = columns * place - GAP;
      if (canvas.width !== width) {
        canvas.width = width;
        canvas.height = down * place - GAP;
        canvas.style.maxWidth = `${width / (window.devicePixelRatio || 1)}px`;
      }
      const context = canvas.getContext("2d");
      context.imageSmoothingEnabled = false;
      const left = (this.step % across) * columns * side;
      const top = Math.floor(this.step / across) * down * side;
      for (let i = 0; i < images; i++) {
        const [column, line] = [i % columns, Math.floor(i / columns)];
        context.drawImage(sheets, left + column * side, top + line * side, side, side,
          column * place, line * place, side * scale, side * scale);
      }
      canvas.setAttribute("aria-label", `${alt}, ${this.row.label}, ${this.row.told[this.step]}`);
      canvas.dataset.step = this.step;
    }
  }

  imageAt(canvas, event) {
    const box = canvas.getBoundingClientRect();
    const column = Math.floor(((event.clientX - box.left) / box.width) * this.row.columns);
    const line = Math.floor(((event.clientY - box.top) / box.height) * Math.ceil(this.row.images / this.row.columns));
    return line * this.row.columns + column;
  }
}
