"""Dataset Explorer: sample images and RGB densities per split of a data set; add a data set."""

import streamlit as st

from core import datasets, jobs, survey
from core.ui import colours, components, content, data_card, oddities, photos, running, sources

SIZES = (16, 32, 48, 64, 96, 128, 192, 256)

components.heading("Dataset Explorer", "What is in a data set: its images, its colours, split by split.")

# Choose
with st.container(horizontal=True, vertical_alignment="bottom"):
    name = components.dataset_choice("ds_name")
    says = "Side of the prepared images in pixels. Models and scores have a size of their own, mostly 32."
    size = st.selectbox("Size", SIZES, SIZES.index(32), key="ds_size", help=says, width=120, bind="query-params")
    added = st.popover("Add images", icon=":material/create_new_folder:", width="content", key=f"ds_form_{sources.form()}")
with added:
    sources.panel()

if "ds_fetching" in st.session_state:
    with components.friendly_errors():
        fetching = jobs.read(st.session_state["ds_fetching"])
        if fetching.active:
            running.watch([fetching.id])
        running.failure(fetching)
for sentence in datasets.damaged():
    st.warning(sentence, icon=":material/warning:")

# Ask
card = components.prepared(name, int(size))
if card is None:
    st.stop()

# Show
facts = st.columns(5)
facts[0].metric("Images", f"{card.n:,}")
for column, split in zip(facts[1:4], content.SPLITS, strict=True):
    column.metric(content.SPLIT_LABELS[split], f"{card.splits.get(split, 0):,}")
facts[4].metric("Classes", len(card.classes) or "–")
st.caption(components.plain(f"{card.label} · {card.source} · licence: {card.licence} · {card.size} x {card.size}"))
with st.expander("Sizes, classes and how it was prepared"):
    data_card.panel(card)
if card.skipped:
    with st.expander(f"Files that could not be read and were left out: {len(card.skipped)}"):
        st.dataframe([{"file": f, "reason": r} for f, r in card.skipped], hide_index=True)

views = {"images": "Images", "colours": "Colours", "copies": "Copies", "outliers": "Outliers"}
view = st.segmented_control(
    "Look at",
    list(views),
    default="images",
    required=True,
    key="ds_view",
    format_func=lambda v: views[v],
    label_visibility="collapsed",
    bind="query-params",
)
found = survey.cached(card.name, card.size)
if view == "images":
    photos.panel(card, found)
found = oddities.awaited(found, card.name, card.label, card.size)
if found is not None and view == "colours":
    colours.panel(card, found)
elif found is not None and view == "copies":
    oddities.copies(found)
elif found is not None and view == "outliers":
    oddities.outliers(found)
with st.expander("The same from the command line"):
    st.code(f"python -m core datasets show {card.name} --size={card.size} --json", language="shell")
