"""Copies and outliers of a data set on the Dataset Explorer, as pictures; and the way to a split without leaks."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import streamlit as st

from core import datasets, export, pictures, survey
from core.configs import PrepareConfig, ResplitConfig
from core.pixels import COPY_KINDS, MOST_OUTLIERS, OUTLIER_KINDS
from core.survey import Survey
from core.ui import components, content, running

PER_PAGE, NARROWEST, ACROSS = 24, 200, 12
WORDS = {"recompressed": "recompressed or nearly the same"}
VALUES = dict(
    zip(OUTLIER_KINDS, ("brightness", "brightness", "contrast", "sharpness", "sharpness", "saturation", "distance"), strict=True)
)
Row = Mapping[str, Any]


def copies(found: Survey) -> None:
    """Pairs of copies, filtered and by pages, and the button that takes leaks out of the split."""
    rows = survey.copies(found)
    if not rows:
        components.empty("No copies", "No two images are one file, one picture resized or compressed again, or mirror images.")
        return
    leaks = [r for r in rows if r["split_a"] != r["split_b"]]
    words = [
        f"{len(rows):,} pairs",
        f"{len(leaks):,} across splits",
        f"{int(found.leaking.sum()):,} images with a copy in another split",
    ]
    contradicting = sum(r["class_a"] != r["class_b"] for r in rows)
    if contradicting:
        words.append(f"{contradicting:,} under two classes")
    st.write(" · ".join(words))
    if leaks:
        _clean(found)
    left, right = st.columns([2, 3], vertical_alignment="bottom")
    kinds = [k for k in COPY_KINDS if any(r["kind"] == k for r in rows)]
    filters = ["all", *(["across splits"] if leaks else []), *(["two classes"] if contradicting else []), *kinds]
    chosen = str(left.selectbox("Pairs", filters, key="ds_pairs", format_func=lambda k: WORDS.get(k, k), bind="query-params"))
    shown = [r for r in rows if _asked(r, chosen)]
    with right:
        page = st.pagination(max(1, math.ceil(len(shown) / PER_PAGE)), key="ds_pairs_page", bind="query-params")
    here = shown[(page - 1) * PER_PAGE : page * PER_PAGE]
    for cell, r in zip(components.cells(len(here), NARROWEST), here, strict=True):
        with cell:
            _pair(found, r)
    _table(found, "copies", shown)


def _asked(r: Row, chosen: str) -> bool:
    if chosen == "across splits":
        return bool(r["split_a"] != r["split_b"])
    if chosen == "two classes":
        return bool(r["class_a"] != r["class_b"])
    return chosen in ("all", r["kind"])


def _pair(found: Survey, r: Row) -> None:
    two = np.concatenate([_pixels(found, [(r[f"split_{k}"], r[f"position_{k}"])]) for k in "ab"])
    words = [f"{r[f'class_{k}']} {content.SPLIT_LABELS[r[f'split_{k}']].lower()} {r[f'position_{k}'] + 1}".strip() for k in "ab"]
    components.picture(pictures.sheet(two, columns=2, scale=content.scale(found.card.size)), f"{words[0]} and {words[1]}")
    alike = "" if r["correlation"] >= 1 else f", {r['correlation']:.3f} alike"
    st.caption(f"**{WORDS.get(r['kind'], r['kind'])}**{alike}  \n{components.plain(words[0])}  \n{components.plain(words[1])}")


def _clean(found: Survey) -> None:
    """One click: the same files under a new name, their copies in training."""
    card = found.card
    new = f"{card.name}-clean"
    taken = any(c.name == new for c in datasets.cards())
    if taken and datasets.added(new).source != datasets.added(card.name).source:
        new, taken = f"{new}-2", any(c.name == f"{new}-2" for c in datasets.cards())
    if taken:
        components.link("dataset_explorer", f"Open {new}, its split without leaks", ds_name=new)
        return
    c = ResplitConfig(card.name, name=new, without_leaks=True, size=card.size)
    job = running.of(c)
    if job is not None and job.active:
        running.watch([job.id])
        return
    if job is not None:
        running.failure(job)
    says = f"Registers the same files as {new}; images with a copy in another split all go into training there."
    if st.button("Make a split without leaks", icon=":material/call_split:", help=says, type="primary"):
        running.start(c, f"Split {card.label} without leaks")
        st.rerun()


def outliers(found: Survey) -> None:
    """A strip of pictures for each way in which images stand out."""
    rows = survey.outliers(found)
    if not rows:
        components.empty(
            "No outliers", "No image lies more than 3.5 robust deviations off in any of the ways that are looked at."
        )
        return
    st.caption(
        "More than 3.5 robust deviations from the median of all images (Iglewicz and Hoaglin 1993), of each kind the strongest "
        "24 at most. To be looked at, not to be thrown away: a dark picture may be a fine one."
    )
    for kind in OUTLIER_KINDS:
        own = [r for r in rows if r["kind"] == kind]
        if not own:
            continue
        many = f"the strongest {MOST_OUTLIERS}" if len(own) == MOST_OUTLIERS else str(len(own))
        st.markdown(f"**{kind.capitalize()}** · {many} · {VALUES[kind]} from {own[0]['value']:.3g}")
        images = _pixels(found, [(r["split"], r["position"]) for r in own])
        png = pictures.sheet(images, columns=ACROSS, scale=content.scale(found.card.size))
        components.picture(png, f"{len(own)} images that are {kind}")
        st.caption(", ".join(f"{content.SPLIT_LABELS[r['split']].lower()} {r['position'] + 1}" for r in own))
    _table(found, "outliers", rows)


def _pixels(found: Survey, places: Sequence[tuple[str, int]]) -> np.ndarray:
    """(n, S, S, 3) uint8 of images by split and position."""
    images = {s: datasets.load(found.card.name, s, size=found.card.size).images for s in {split for split, _ in places}}
    return np.stack([images[s][p] for s, p in places])


def _table(found: Survey, what: str, rows: Sequence[Row]) -> None:
    """The same rows, images counted from 1 as everywhere on the screen."""
    rows = [{k.replace("position", "number"): v + 1 if k.startswith("position") else v for k, v in r.items()} for r in rows]
    with st.expander("As a table"):
        st.dataframe(rows, hide_index=True)
    csv = export.table(rows, "csv")
    file = f"{found.card.name}-{what}.csv"
    st.download_button("As CSV", csv, file, "text/csv", on_click="ignore", key=f"ds_{what}", icon=":material/download:")


def awaited(found: Survey | None, name: str, label: str, size: int) -> Survey | None:
    """The survey; until it is there, the job that makes it, which is started."""
    if found is not None:
        return found
    c = PrepareConfig(name, size=size)
    job = running.of(c)
    # One that failed or was cancelled is started again by hand only.
    if job is None or job.state == "done":
        job = running.start(c, f"Look through {label}")
    if job.active:
        st.write("Its colours, copies and outliers are being looked for; this opens by itself.")
        running.watch([job.id])
        return None
    running.failure(job)
    if st.button("Look for colours, copies and outliers", type="primary"):
        running.start(c, f"Look through {label}")
        st.rerun()
    return None
