"""The gallery of a data set on the Dataset Explorer: pages of images, and one image with all that is known of it."""

import math

import numpy as np
import streamlit as st

from core import datasets, pictures
from core.errors import DataError
from core.pixels import VALUES
from core.survey import Survey
from core.types import DatasetCard
from core.ui import components, content

PER_PAGE, COLUMNS = 60, 15
LARGE = 256  # screen pixels of the image that is looked at


def panel(card: DatasetCard, found: Survey | None) -> None:
    """Pages of images of one split, and under them the image whose number the address holds."""
    split, positions, page = _asked(card)
    pages = max(1, math.ceil(len(positions) / PER_PAGE))
    shown = tuple(int(p) for p in positions[(min(page, pages) - 1) * PER_PAGE : min(page, pages) * PER_PAGE])
    if not shown:
        components.empty("No image", f"The {content.SPLIT_LABELS[split].lower()} split has none of this class.")
        return
    as_files = card.source != "procedural" and st.toggle(
        "As the files are", key="ds_originals", bind="query-params", help="Before they were cropped and made small."
    )
    make = content.originals if as_files else content.sheet
    png = make(card.name, split, card.size, content.recipe(card), shown, COLUMNS)
    components.picture(png, f"{len(shown)} images of {card.label}, {content.SPLIT_LABELS[split].lower()} split", width="stretch")
    name = f"{card.name}-{split}-{page}.png"
    st.download_button("This page as PNG", png, name, "image/png", on_click="ignore", icon=":material/download:")
    with st.form("ds_look", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        last, says = card.splits[split], f"Row by row; the first one above is number {shown[0] + 1}."
        number = st.number_input(
            "Number of an image", 1, last, shown[0] + 1, key="ds_image", bind="query-params", help=says, width=220
        )
        st.form_submit_button("Look at it", icon=":material/zoom_in:")
    _one(card, split, int(number) - 1, found)


def _asked(card: DatasetCard) -> tuple[str, np.ndarray, int]:
    """Split, positions of the images that were asked for, and the page of them."""
    # Side by side where there is room, below each other on a narrow page.
    with st.container(horizontal=True, vertical_alignment="bottom"):
        splits = [s for s in content.SPLITS if card.splits.get(s)]
        names = content.SPLIT_LABELS
        split = st.segmented_control(
            "Split",
            splits,
            default="train",
            required=True,
            key="ds_split",
            format_func=lambda s: names[s],
            bind="query-params",
            width="content",
        )
        classes = ["all", *card.classes]
        label = st.selectbox("Class", classes, key="ds_class", bind="query-params", disabled=not card.classes, width=200)
        says = "0: the split's own fixed order. Else a seed."
        seed = st.number_input("Shuffle", 0, 9999, 0, key="ds_seed", bind="query-params", help=says, width=130)
        positions = content.members(card.name, split, card.size, card.classes.index(label) if label in card.classes else None)
        if seed:
            positions = np.random.default_rng(int(seed)).permutation(positions)
        page = st.pagination(max(1, math.ceil(len(positions) / PER_PAGE)), key="ds_page", bind="query-params", width="content")
    return split, positions, page


def _one(card: DatasetCard, split: str, position: int, found: Survey | None) -> None:
    """The image as it is used, as its file is, and what is known of it."""
    images = datasets.load(card.name, split, size=card.size)
    small, whole, facts = components.cells(3, LARGE)
    scale = max(1, min(pictures.LARGEST_SCALE, LARGE // card.size))
    words = f"image {position + 1} of the {content.SPLIT_LABELS[split].lower()} split"
    with small:
        components.picture(pictures.sheet(images.images[position][None], scale=scale), words, caption=f"{words}, as it is used")
    rows = {"Class": card.classes[int(images.labels[position])]} if images.labels is not None else {}
    if card.source != "procedural":
        try:
            file, picture = content.original(card.name, split, card.size, position, 2 * LARGE)
            with whole:
                png = pictures.png(np.asarray(picture))
                components.picture(png, "as its file is", width=LARGE, caption=f"as its file is: {components.plain(file)}")
        except DataError as e:
            whole.caption(components.plain(e))
        known = datasets.of_files(card.name, split, size=card.size)
        if known is not None:
            height, width = known.sizes[position].tolist()
            rows["Original"] = f"{width} x {height} px"
    if found is not None:
        values = found.described(split)["values"][position].tolist()
        rows |= {name.capitalize(): f"{v:.3g}" for name, v in zip(VALUES, values, strict=True)}
        rows["Copies"] = _copies(found, split, position)
    facts.table({components.plain(k): components.plain(v) for k, v in rows.items()}, border="horizontal")


def _copies(found: Survey, split: str, position: int) -> str:
    group = found.arrays["group"]
    own = int(found.starts[found.splits.index(split)]) + position
    others = np.flatnonzero(group == group[own]) if group[own] else np.empty(0, np.int64)
    places = [found.place(int(i)) for i in others if i != own]
    return ", ".join(f"{content.SPLIT_LABELS[s].lower()} {p + 1}" for s, p in places[:5]) or "none"
