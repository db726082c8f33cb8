"""The plane of a VAE whose codes have two numbers: to move through it, and to see where real images lie."""

import numpy as np
import streamlit as st

from core import datasets, figures, latents, pictures
from core.types import Arrays, DatasetCard, ModelCard
from core.ui import components

ACROSS, UP = "bl_across", "bl_up"
DOTS = "bl_codes"
ENLARGED = 256  # screen pixels of a single image, about
FINEST = 32  # pixels of a tile on the sheet, about
HALF, PAIRED, THIRD = 340, 150, 100  # screen pixels that half of a row and the pictures in it have at least


def show(data: DatasetCard, vae: ModelCard, found: Arrays, key: str) -> None:
    """The decode nearest to the sliders and the real image nearest to it; the whole sheet with its place; the codes of images."""

    @st.fragment
    def move() -> None:
        left, right = components.cells(2, HALF)
        with left:
            position = _position(found["axis"])
            row, column = latents.nearest(found["axis"], position)
            _pair(found, (row, column), position, data, vae)
        with right:
            _sheet(found, key, row, column)
        _codes(data, found)

    move()


def _position(axis: np.ndarray) -> np.ndarray:
    """(2,) one of the grid's own codes: what is shown is decoded there, not mixed from its neighbours."""
    stops = axis.tolist()
    middle = stops[len(stops) // 2]
    chosen = []
    for slider, words in ((ACROSS, "First number of the code: left to right"), (UP, "Second number: bottom to top")):
        chosen.append(st.select_slider(words, stops, middle, key=slider, format_func=lambda z: f"{z + 0.0:.2f}"))
    return np.array(chosen, np.float64)


def _pair(found: Arrays, place: tuple[int, int], position: np.ndarray, data: DatasetCard, vae: ModelCard) -> None:
    distances = np.linalg.norm(found["val_codes"] - position, axis=1)
    near = int(distances.argmin())
    real = datasets.load(data.name, "val", size=vae.size).images[near]
    drawn, beside = components.cells(2, PAIRED)
    with drawn:
        st.caption("Decoded here")
        words = f"decoded at {position[0]:.2f}, {position[1]:.2f}"
        components.picture(enlarged(found["images"][place]), words, width="stretch")
    with beside:
        st.caption("Nearest real image")
        components.picture(
            enlarged(real), f"the validation image with the nearest code, {distances[near]:.2f} away", width="stretch"
        )
    st.caption(f"Its code is {distances[near]:.2f} away. Far from all real images the VAE has learnt nothing.")


def _sheet(found: Arrays, key: str, row: int, column: int) -> None:
    n = len(found["axis"])
    with st.container(key="bl_plane"):
        components.picture(
            sheet(key, found), f"decodes over the plane, marked: row {n - row}, column {column + 1}", width="stretch"
        )
        # The sheet stays the same bytes while the mark moves: nothing is drawn or sent again but its place.
        st.html(f"<style>{MARK.format(left=100 * column / n, top=100 * (n - 1 - row) / n, side=100 / n)}</style>")
    st.caption(
        f"What it draws, as {n} x {n} decodes: a random sample comes from each place of the sheet equally often. The "
        "lines are quantiles of N(0, 1), after Kingma and Welling (2014)."
    )


MARK = (
    ".st-key-bl_plane [data-testid='stImageContainer'] {{position: relative; overflow: hidden}}"
    ".st-key-bl_plane [data-testid='stImageContainer']::after {{content: ''; position: absolute; box-sizing: border-box; "
    "left: {left:.3f}%; top: {top:.3f}%; width: {side:.3f}%; height: {side:.3f}%; "
    "border: 2px solid white; outline: 3px solid var(--st-primary-color, #8A3A6B)}}"
)


@st.cache_data(max_entries=16, show_spinner=False)
def sheet(key: str, _found: Arrays) -> bytes:
    """The manifold's decodes without a gap, tiles of at most about FINEST pixels."""
    images, columns = latents.laid_out("manifold", _found)
    step = max(1, images.shape[1] // FINEST)
    return pictures.sheet(images[:, ::step, ::step], columns=columns, gap=0)


def _codes(data: DatasetCard, found: Arrays) -> None:
    """Where the validation images lie; a click on one moves there."""

    def moved() -> None:
        points = st.session_state[DOTS]["selection"]["points"]
        if points:
            row, column = latents.nearest(found["axis"], np.array([points[0]["x"], points[0]["y"]]))
            st.session_state[ACROSS], st.session_state[UP] = float(found["axis"][column]), float(found["axis"][row])

    left, right = components.cells(2, HALF)
    figure, alt = figures.codes(found["val_codes"], found.get("val_labels"), data.classes, float(found["axis"][-1]))
    with left:
        components.plot(figure, alt, DOTS, on_select=moved, selection_mode="points")
    with right:
        st.markdown("**Where real images lie**")
        st.write("Each dot is the code of a validation image; click one to move there. The dashed square is the sheet above.")
        st.write(
            "Samples are drawn as if codes were spread like N(0, 1): about the middle, nine in ten within the square. Where "
            "the dots lie otherwise, what the VAE draws differs from what it has learnt to decode."
        )


def place(data: DatasetCard, found: Arrays) -> None:
    """The code of one more image among those of the validation images."""
    edge = float(latents.quantiles(latents.GRID)[-1])
    figure, alt = figures.codes(found["val_codes"], found.get("val_labels"), data.classes, edge, found["code"])
    components.plot(figure, alt, "bl_your_code")


def enlarged(image: np.ndarray) -> bytes:
    """(H, W, 3) uint8 -> PNG with every pixel as a square, of about ENLARGED pixels."""
    return pictures.sheet(image[None], scale=min(pictures.LARGEST_SCALE, max(1, ENLARGED // image.shape[0])))
