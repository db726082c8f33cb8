"""Dataset Explorer: sample images and RGB densities per split of a data set; add a folder of one's own."""

import math
from dataclasses import replace

import streamlit as st

from core import datasets, export, figures, jobs
from core.configs import AddConfig, PrepareConfig
from core.ui import components, content, running

PER_PAGE = 60


def add_source() -> None:
    """Registers a folder or archive, starts its preparation and shows it: before the page is run again, so that it can be chosen.

    What has to be fetched is fetched and prepared by a job.
    """
    with components.friendly_errors():
        c = AddConfig(st.session_state["ds_source"].strip(), name=st.session_state["ds_new_name"].strip())
        if not datasets.is_path(c.source):
            st.session_state["ds_fetching"] = running.start(replace(c, prepare=True), f"Fetch {c.source}").id
            return
        new = datasets.add(c)
        running.start(PrepareConfig(new.name), f"Prepare {new.label}")
        st.session_state["ds_name"] = new.name


components.heading("Dataset Explorer", "What is in a data set: its images, its colours, split by split.")

# Choose
chosen, added = st.columns([3, 1], vertical_alignment="bottom")
with chosen:
    name = components.dataset_choice("ds_name")
with added.popover("Add images", icon=":material/create_new_folder:", width="stretch"):
    source = st.text_input(
        "Source",
        placeholder="folder or .zip on this machine, flowers102, celeba, or hub:OWNER/NAME",
        help="Class folders are recognised. The last three are downloaded when you press the button.",
        key="ds_source",
    )
    new_name = st.text_input("Name in the studio", key="ds_new_name")
    st.button("Add and prepare", type="primary", disabled=not (source and new_name), on_click=add_source)

if "ds_fetching" in st.session_state:
    with components.friendly_errors():
        fetching = jobs.read(st.session_state["ds_fetching"])
        if fetching.active:
            running.watch([fetching.id])
        running.failure(fetching)
for sentence in datasets.damaged():
    st.warning(sentence, icon=":material/warning:")

# Ask
card = components.prepared(name)
if card is None:
    st.stop()

# Show
facts = st.columns(5)
facts[0].metric("Images", f"{card.n:,}")
for column, split in zip(facts[1:4], content.SPLITS, strict=True):
    column.metric(content.SPLIT_LABELS[split], f"{card.splits.get(split, 0):,}")
facts[4].metric("Classes", len(card.classes) or "–")
st.caption(
    f"{card.label} · {card.source} · licence: {card.licence} · {card.size} x {card.size}, split 80/10/10 by content, seed 42"
)

st.subheader("Images", anchor=False)
left, middle, right = st.columns([2, 2, 3], vertical_alignment="bottom")
with left:
    split = st.segmented_control(
        "Split",
        content.SPLITS,
        default="train",
        required=True,
        key="ds_split",
        format_func=lambda s: content.SPLIT_LABELS[s],
        bind="query-params",
    )
with middle:
    label = st.selectbox("Class", ["all", *card.classes], key="ds_class", bind="query-params", disabled=not card.classes)
positions = content.members(card.name, str(split), card.size, card.classes.index(label) if label in card.classes else None)
pages = max(1, math.ceil(len(positions) / PER_PAGE))
with right:
    page = st.pagination(pages, key="ds_page", bind="query-params")
shown = tuple(int(p) for p in positions[(min(page, pages) - 1) * PER_PAGE : min(page, pages) * PER_PAGE])
if shown:
    png = content.sheet(card.name, str(split), card.size, content.recipe(card), shown, 15)
    alt = f"{len(shown)} images of {card.label}, {content.SPLIT_LABELS[str(split)].lower()} split"
    components.picture(png, alt, width="stretch")
    st.download_button(
        "This page as PNG", png, f"{card.name}-{split}-{page}.png", "image/png", on_click="ignore", type="tertiary"
    )
else:
    components.empty("No image", f"The {content.SPLIT_LABELS[str(split)].lower()} split has none of this class.")

st.subheader("Colours", anchor=False)
left, right = st.columns(2)
scale = left.segmented_control(
    "Pixel values", ["0 to 255", "-1 to 1"], default="0 to 255", required=True, key="ds_range", bind="query-params"
)
axis = right.segmented_control(
    "Density axis", ["linear", "log"], default="linear", required=True, key="ds_axis", bind="query-params"
)
curves = content.densities(card)
figure, alt = figures.density(curves, log=axis == "log", signed=scale == "-1 to 1")
st.plotly_chart(figure, alt=alt, config={"displaylogo": False})
st.caption(alt)
numbers = [
    {"split": s, "channel": "RGB"[c], "value": v, "share": float(d[c, v])}
    for s, d in curves.items()
    for c in range(3)
    for v in range(256)
]
st.download_button(
    "Densities as CSV", export.table(numbers, "csv"), f"{card.name}-densities.csv", "text/csv", on_click="ignore", type="tertiary"
)

if card.skipped:
    with st.expander(f"Files that could not be read and were left out: {len(card.skipped)}"):
        st.dataframe([{"file": f, "reason": r} for f, r in card.skipped], hide_index=True)
with st.expander("The same from the command line"):
    st.code(f"python -m core datasets show {card.name} --json", language="shell")
