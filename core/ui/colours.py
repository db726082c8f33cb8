"""Colours of a data set on the Dataset Explorer: densities of its splits, beside another set's, and whether the splits differ."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import streamlit as st

from core import datasets, figures, generate, models, pictures, pixels
from core.configs import SampleConfig
from core.pixels import VALUES, Drift
from core.survey import Survey
from core.types import Arrays, DatasetCard, ImageSet
from core.ui import components, content, running

DRAWN = 256  # images of a model that are drawn to be compared
ALL, ONE = "all images", "one image"
Densities = dict[str, np.ndarray]


def panel(card: DatasetCard, found: Survey) -> None:
    with st.container(horizontal=True):
        signed = _choice("Pixel values", ["0 to 255", "-1 to 1"], "ds_range") == "-1 to 1"
        log = _choice("Density axis", ["linear", "log"], "ds_axis") == "log"
        over = _choice("Splits", ["side by side", "overlaid"], "ds_layout") == "overlaid"
    of, beside = st.columns(2)
    which = str(of.selectbox("Images", [ALL, *card.classes, ONE], key="ds_of", bind="query-params"))
    own = densities(card, which)
    with beside:
        other, images = _beside(card)
    if over:
        components.plot(*figures.overlaid({**own, **other}, log=log, signed=signed), f"{card.name}-densities")
    else:
        components.plot(*figures.density({**own, **other}, across=len(own), log=log, signed=signed), f"{card.name}-densities")
    _drift(found, images)
    _images(found, images)


def _choice(label: str, options: list[str], key: str) -> str:
    first = options[0]
    return st.segmented_control(label, options, default=first, required=True, key=key, bind="query-params", width="content")


def densities(card: DatasetCard, which: str = ALL) -> Densities:
    """By split, of all images or of one class; or of one image, whose split and number are asked for."""
    if which == ALL:
        return content.densities(card)
    if which == ONE:
        splits = [s for s in content.SPLITS if card.splits.get(s)]
        split = st.segmented_control("Split of the image", splits, default=splits[0], required=True, key="ds_one_split")
        number = st.number_input("Number of the image", 1, card.splits[str(split)], 1, key="ds_one")
        image = datasets.load(card.name, str(split), size=card.size).images[int(number) - 1][None]
        return {f"{content.SPLIT_LABELS[str(split)]}, image {number}": pixels.rgb_density(ImageSet("one", "one", image))}
    label = card.classes.index(which)
    return {
        f"{content.SPLIT_LABELS[s]}, {which}": content.class_density(card.name, s, card.size, content.recipe(card), label)
        for s in content.SPLITS
        if card.splits.get(s) and len(content.members(card.name, s, card.size, label))
    }


def _beside(card: DatasetCard) -> tuple[Densities, tuple[str, Arrays] | None]:
    """What stands in the second row: another data set's splits, or images that a model has drawn, with what is in them."""
    same_size = (datasets.card(c.name, card.size) for c in datasets.cards() if c.name != card.name)
    others = {f"data set {c.label}": c for c in same_size if c.prepared}
    builtin = [models.builtin(models.NOISE, "", card.size), models.builtin(models.GAUSSIAN, card.name, card.size)]
    ids = [*(m.id for m in models.cards() if m.size == card.size), *builtin]
    drawn = {f"model {i}": SampleConfig(i, n=DRAWN) for i in ids}
    chosen = st.selectbox("Beside it", ["nothing", *drawn, *others], key="ds_beside", bind="query-params")
    if chosen in others:
        return {f"{k}, {others[chosen].label}": d for k, d in content.densities(others[chosen]).items()}, None
    if chosen not in drawn:
        return {}, None
    c = drawn[chosen]
    job = running.of(c)
    if generate.drawn(c) is None:
        if job is not None:
            running.failure(job)
        if job is not None and job.active:
            running.watch([job.id])
        elif st.button(f"Draw {DRAWN} images of {c.model}", type="primary"):
            running.start(c, f"Draw {DRAWN} images of {c.model}")
            st.rerun()
        return {}, None
    described = content.described(c)
    return {f"{DRAWN} images of {c.model}": pixels.density_of(described)}, (c.model, described)


def _drift(found: Survey, images: tuple[str, Arrays] | None) -> None:
    """A table: how far each two differ, and how far chance alone would have them."""
    st.subheader("Do they differ by more than chance?", anchor=False)
    pairs: dict[str, tuple[Drift, ...]] = {
        f"{content.SPLIT_LABELS[a]} and {content.SPLIT_LABELS[b].lower()}": rows for (a, b), rows in found.drift.items()
    }
    if images is not None:
        split = "test" if "test" in found.splits else found.splits[-1]
        pairs[f"{content.SPLIT_LABELS[split]} and {images[0]}"] = pixels.drift(found.described(split), images[1])
    rows = [row(pair, d) for pair, channels in pairs.items() for d in channels]
    st.dataframe(rows, hide_index=True, height="content")
    st.caption(
        "Distance of the pixel values of two sets, in grey levels (Wasserstein) and as the widest gap of the cumulative shares "
        "(Kolmogorov and Smirnov). Chance: 95 % of random divisions of the same images stay below. p: of both distances together "
        "(Bonferroni). On average at most one row in twenty is called different by chance."
    )


def row(pair: str, d: Drift) -> Mapping[str, Any]:
    # Two distances are looked at: Bonferroni's correction keeps false alarms at one in twenty.
    p = min(1.0, 2 * min(d.wasserstein_p, d.ks_p))
    return {
        "Between": pair,
        "Channel": d.channel,
        "Says": "differ" if p <= 0.05 else "no more than chance",
        "Grey levels": round(d.wasserstein, 2),
        "Chance, grey levels": round(d.wasserstein_limit, 2),
        "Widest gap": f"{d.ks:.2%}",
        "Chance, widest gap": f"{d.ks_limit:.2%}",
        "p": round(p, 3),
    }


def _images(found: Survey, images: tuple[str, Arrays] | None) -> None:
    """Mean and variance image of each split, and the medians of brightness and the like."""
    st.subheader("Mean and variance image", anchor=False)
    described = {content.SPLIT_LABELS[s]: found.described(s) for s in found.splits}
    if images is not None:
        described[images[0]] = images[1]
    for cell, (label, d) in zip(components.cells(len(described), 220), described.items(), strict=True):
        mean = np.asarray(d["mean"]).round().astype(np.uint8)
        # The deviation, so that both are in grey levels; twice it, since it rarely reaches half of the range.
        spread = np.minimum(2 * np.sqrt(d["variance"]), 255).round().astype(np.uint8)
        with cell:
            png = pictures.sheet(np.stack([mean, spread]), columns=2, scale=content.scale(mean.shape[0]))
            caption = f"{label}: mean, and twice the deviation"
            components.picture(png, f"mean and variance image of {label}", width="stretch", caption=caption)
    medians = [
        {"Images": label, **dict(zip(map(str.capitalize, VALUES), np.median(d["values"], axis=0).round(2).tolist(), strict=True))}
        for label, d in described.items()
    ]
    st.caption("Medians over the images")
    st.dataframe(medians, hide_index=True, height="content")
