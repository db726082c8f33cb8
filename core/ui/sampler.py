"""Panels of the Diffusion Sampler screen."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from core import generate, paths, pictures, sampling
from core.configs import SampleConfig
from core.types import Arrays, Job, ModelCard
from core.ui import components, content, running

COLUMNS = 4
CHOICES = (4, 8, 16, 32, 64)
FEWEST_STEPS = 5


def choose(trained: Sequence[ModelCard]) -> SampleConfig:
    """The settings of a drawing; all of them in the URL."""
    names = list(sampling.SAMPLERS)
    # As many beside each other as fit: two rows on a narrow window.
    first, second, third, fourth, fifth = components.cells(5, 170)
    model = first.selectbox("Model", [m.id for m in trained], key="sm_model", bind="query-params")
    name = second.selectbox(
        "Sampler", names, key="sm_sampler", format_func=lambda s: sampling.SAMPLERS[s].label, bind="query-params"
    )
    row = sampling.SAMPLERS[str(name)]
    with st.expander("More settings"):
        grid, eta, weights = more(row, generate.noise(str(model)))
    steps = third.select_slider(
        "Steps",
        [k for k in sampling.step_counts(row, grid) if k >= FEWEST_STEPS],
        value=row.default_steps,
        key=f"sm_steps_{name}_{grid}",
        help="More take longer. Where the time grid has to be divided evenly, only those numbers are offered.",
        bind="query-params",
    )
    n = fourth.selectbox("Images", CHOICES, index=CHOICES.index(16), key="sm_n", bind="query-params")
    same = "The same seed starts every sampler from the same noise."
    seed = fifth.number_input("Seed", 0, 2**31 - 1, 0, key="sm_seed", help=same, bind="query-params")
    how = {"weights": weights, "sampler": str(name), "steps": int(steps), "grid": grid, "eta": eta}
    return generate.resolve(SampleConfig(str(model), n=int(n), seed=int(seed), **how))  # type: ignore[arg-type]


def more(row: sampling.Sampler, noise: str) -> tuple[str, float, str]:
    """Time grid, those that are right for the model's kind of noise; eta and weights."""
    left, middle, right = st.columns(3)
    grid = left.selectbox(
        "Time grid",
        row.grids[noise],
        key=f"sm_grid_{row.name}",
        format_func=lambda g: f"{g}: {sampling.GRIDS[g].label}",
        help="Which of the 1,000 noise levels are visited.",
        bind="query-params",
    )
    eta = 0.0
    if row.takes_eta:
        says = "0: the same noise always gives the same image; 1: fresh noise at each step."
        eta = float(middle.slider("Eta", 0.0, 1.0, 0.0, 0.1, key="sm_eta", help=says, bind="query-params"))
    says = "ema: averaged over the training; raw: those of its best step alone."
    weights = right.selectbox("Weights", ("ema", "raw"), key="sm_weights", help=says, bind="query-params")
    return str(grid), eta, str(weights)


def live(job: Job) -> None:
    """The present picture while the job denoises: the noisy state above, the model's guess below."""
    running.bar(job)
    preview = paths.job(job.id) / "preview.png"
    if preview.is_file():
        components.picture(preview.read_bytes(), "first row: noisy state; second row: the model's present guess")


def trajectory(c: SampleConfig, way: Arrays) -> None:
    """A slider over the kept steps with the noisy state and the guess of the clean image, and the downloads."""
    last = len(way["x"]) - 1

    @st.fragment
    def scrub() -> None:
        index = st.slider("Step", 0, last, last, key="sm_step", help="0 is pure noise; the arrow keys move by one.")
        t, evaluations = float(way["timestep"][index]), int(way["evaluations"][index])
        st.caption(
            f"Step {index} of {last} · noise level t = {t:.0f} of 1,000 · {evaluations} network evaluations an image so far"
        )
        left, right = st.columns(2, gap="large")
        with left:
            st.markdown("**Noisy state** x_t")
            components.picture(content.frame(c, "x", index, COLUMNS), f"noisy state at step {index} of {last}", width="stretch")
        with right:
            st.markdown("**The model's guess** of the clean image")
            components.picture(
                content.frame(c, "x0", index, COLUMNS), f"guess of the clean image at step {index} of {last}", width="stretch"
            )

    scrub()
    seconds = generate.seconds(c)
    took = f" in {components.duration(seconds)}" if seconds else ""
    st.caption(f"{c.n} images, {generate.evaluations(c)} network evaluations each{took}; image i depends on the seed and i only.")
    with st.container(horizontal=True):
        st.download_button(
            "Images as PNG",
            lambda: content.frame(c, "x", last, COLUMNS),
            f"{c.model}-{c.seed}.png",
            "image/png",
            on_click="ignore",
        )
        st.download_button("The way as GIF", lambda: animation(way), f"{c.model}-{c.seed}.gif", "image/gif", on_click="ignore")
        components.link("metrics_leaderboard", "Evaluate this model", lb_target=c.model)


def animation(way: Arrays) -> bytes:
    return pictures.gif(np.stack([pictures.tiled(np.asarray(f), columns=COLUMNS, scale=3) for f in way["x"]]), fps=12)
