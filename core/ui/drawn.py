"""Drawn images on the Diffusion Sampler screen: their ways under one slider, one of them closer, their colours, the downloads."""

import io
import zipfile
from collections.abc import Sequence

import numpy as np
import streamlit as st

from core import datasets, figures, generate, models, pictures, pixels
from core.configs import SampleConfig
from core.types import Arrays, DatasetCard, ImageSet
from core.ui import components, content, sampler, scrubber, ways

COLUMNS = 4
LARGE = 256  # screen pixels of an image that is looked at


def trajectories(rows: Sequence[tuple[SampleConfig, Arrays]]) -> None:
    """The recorded ways under one slider, a closer look at an image that was clicked, colours, and the downloads."""
    picked = scrubber.panel([(sampler.name(c), c, way) for c, way in rows], "sm_ways")
    if picked is not None:
        st.session_state["sm_picked"] = picked.row, picked.image
    row, image = st.session_state.get("sm_picked", (len(rows), 0))
    if row < len(rows) and image < rows[row][0].n:
        c, way = rows[row]
        closer(c, way, image)
    else:
        st.caption("Click on an image for the training image that is nearest to it.")
    colours(rows)
    for c, way in rows:
        downloads(c, way)


def closer(c: SampleConfig, way: Arrays, image: int) -> None:
    """One finished image beside the training image nearest to it."""
    data, own = trained_on(c), np.asarray(way["x"][-1][image])
    left, right, words = components.cells(3, LARGE)
    scale = min(pictures.LARGEST_SCALE, max(1, LARGE // len(own)))
    with left:
        says = f"image {image + 1} of seed {c.seed}"
        components.picture(
            pictures.sheet(own[None], scale=scale), says, width=LARGE, caption=f"{says}, {components.plain(sampler.name(c))}"
        )
    if data is None:
        words.caption("The images that the model was trained with are not prepared here.")
        return
    place, mirrored, distance = content.nearest(generate.way_key(c), c, image, data.name, content.recipe(data))
    twin = np.asarray(datasets.load(data.name, "train", size=data.size).images[place])
    with right:
        says = f"nearest training image, number {place + 1}{', mirrored' if mirrored else ''}"
        shown = twin[:, ::-1] if mirrored else twin
        components.picture(pictures.sheet(shown[None], scale=scale), says, width=LARGE, caption=says)
    with words:
        st.metric("Root mean square difference", f"{distance:.1f}", help="In grey levels from 0 to 255; 0 is a copy.")
        components.link("dataset_explorer", "Look at it", ds_name=data.name, ds_split="Training", ds_image=str(place + 1))


def trained_on(c: SampleConfig) -> DatasetCard | None:
    """The data set that the model was trained with; None where it is not known or not prepared here."""
    card = models.card(c.model)
    if card.dataset not in {d.name for d in datasets.cards()}:
        return None
    data = datasets.card(card.dataset, card.size)
    return data if data.prepared else None


def colours(rows: Sequence[tuple[SampleConfig, Arrays]]) -> None:
    """RGB densities of the drawn images, below those of the training images of their data sets."""
    with st.expander("Colours beside the data set"):
        shown = {}
        for c, _ in rows:
            data = trained_on(c)
            if data is not None:
                shown[f"{data.label}, training"] = content.densities(data)["Training"]
        for c, way in rows:
            images = ImageSet(c.model, "drawn", np.asarray(way["x"][-1]), origin=c.model)
            # Titles of narrow panels break at commas.
            shown[sampler.name(c).replace(" · ", ", ").replace(" (", ", (")] = pixels.rgb_density(images)
        figure, alt = figures.density(shown)
        components.plot(figure, alt, "sm_colours")


def downloads(c: SampleConfig, way: Arrays) -> None:
    seconds = generate.seconds(c)
    took = f", drawn in {components.duration(seconds)}" if seconds else ""
    st.caption(f"{components.plain(sampler.name(c))}: {c.n} images{took}; image i depends on the seed and i only.")
    last, stem = len(way["x"]) - 1, f"{c.model}-{c.sampler}-{c.steps}-{c.seed}"
    with st.container(horizontal=True):
        files = (
            ("Images as PNG", lambda: content.frame(c, "x", last, COLUMNS), f"{stem}.png", "image/png"),
            ("The way as GIF", lambda: animation(way), f"{stem}.gif", "image/gif"),
            ("Its frames as .zip", lambda: frames(way), f"{stem}.zip", "application/zip"),
        )
        for label, make, file, kind in files:
            st.download_button(label, make, file, kind, on_click="ignore", key=f"sm_{file}", icon=":material/download:")
        components.link("metrics_leaderboard", "Evaluate this model", lb_target=c.model)


def animation(way: Arrays) -> bytes:
    return pictures.gif(np.stack([pictures.tiled(np.asarray(f), columns=COLUMNS, scale=3) for f in way["x"]]), fps=12)


def frames(way: Arrays) -> bytes:
    """A zip archive of PNG files with exactly the kept pixels: x/000.png and on, x0/000.png and on."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as z:
        for what in ways.WHAT:
            for k, images in enumerate(way[what]):
                z.writestr(f"{what}/{k:03}.png", pictures.sheet(np.asarray(images), columns=COLUMNS))
    return file.getvalue()
