"""The card of a data set on the Dataset Explorer: sizes of the originals, classes by split, how it was prepared."""

import streamlit as st

from core import datasets
from core.types import DatasetCard
from core.ui import components, content


def panel(card: DatasetCard) -> None:
    """Tables of sizes and of classes, and the recipe."""
    known = datasets.show(card.name, card.size)
    sizes, classes = components.cells(2, 320)
    with sizes:
        st.caption("Originals in pixels")
        words = {"min": "Minimum", "median": "Median", "max": "Maximum"}
        rows = [
            {"": words[k], "Height": known["original_size"]["height"][k], "Width": known["original_size"]["width"][k]}
            for k in words
        ]
        st.dataframe(rows, hide_index=True, height="content")
        st.caption("Channels: 3 (RGB)")
    with classes:
        st.caption("Images of each class")
        counts = [{"Class": k, **{content.SPLIT_LABELS[s]: n for s, n in v.items()}} for k, v in known["classes"].items()]
        if counts:
            st.dataframe(counts, hide_index=True)
        else:
            st.write("It has no classes.")
    st.caption("How it was prepared")
    st.json(known["recipe"], expanded=False)
