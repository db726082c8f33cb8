"""The form that starts a training: family, what it starts from, its knobs, its time, its command, the button."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any

import streamlit as st

from core import models
from core.configs import TrainingConfig
from core.families import FAMILIES, Family
from core.types import DatasetCard, Job, ModelCard
from core.ui import components, estimating, knobs, running

TRAINED: Mapping[str, Family] = {name: f for name, f in FAMILIES.items() if f.config}

# What most people set; the rest waits behind "More settings".
MAIN = {"vae": ("epochs", "latent", "learning_rate", "batch"), "ddpm": ("steps", "channels", "learning_rate", "batch")}
GROUPS = (
    ("Network", ("channels", "layers", "prediction", "schedule", "dropout", "latent")),
    ("Length and checks", ("steps", "epochs", "check_every", "patience")),
    ("Optimiser", ("learning_rate", "weight_decay", "warmup", "batch", "accumulate", "clip", "ema")),
    ("Loss and data", ("beta", "min_snr", "flips")),
    ("Run", ("name", "seed", "seeds", "precision", "devices", "num_nodes", "strategy")),
    ("Logging", ("wandb", "wandb_project")),
)
NOT_ASKED = frozenset(("dataset", "size", "base", "resume", "estimate"))
"""Knobs that the rest of the screen decides."""

SCRATCH, TUNE, LARGE = "", "tune", "large"
PRESETS: Mapping[tuple[str, str], Mapping[str, Any]] = {
    # A first training on two CPU cores should end while one watches; both can be raised.
    ("vae", SCRATCH): {"epochs": 20},
    ("ddpm", SCRATCH): {"steps": 1500},
    # Fine-tuning starts near its end: a small step size, and not for long.
    ("vae", TUNE): {"epochs": 10, "learning_rate": 1e-4},
    ("ddpm", TUNE): {"steps": 500, "learning_rate": 1e-4, "warmup": 50, "check_every": 100},
    # An imported network is some thirty times the compact ones: more than a look takes a GPU.
    ("ddpm", LARGE): {"steps": 100, "learning_rate": 1e-4, "warmup": 20, "batch": 16, "check_every": 50},
}


def form(card: DatasetCard) -> Job | None:
    """The job of the training once it is started. A slip hides nothing below it."""
    left, right = st.columns(2)
    family = TRAINED[str(left.segmented_control("Family", **_families()))]
    with right:
        base = start_from(family, card)
    kind = preset(base)
    if base is not None:
        st.caption(f":material/account_tree: {components.plain(architecture(family, base))}")
    shown = settings(family, kind)
    with components.friendly_errors():
        assert family.config is not None
        c: TrainingConfig = family.config(
            dataset=card.name,
            size=card.size,
            base=base.id if base else "",
            **{f.name: knobs.read(f, value) for f, value in shown},
        )
        return _ask(c, card)
    return None


def _families() -> dict[str, Any]:
    names = list(TRAINED)
    words: dict[str, Any] = {"default": names[0], "required": True, "format_func": lambda n: TRAINED[n].label}
    return {"options": names, "key": "bl_family", "bind": "query-params", **words}


def _ask(c: TrainingConfig, card: DatasetCard) -> Job | None:
    """Command, button and time; the started job."""
    components.command(c)
    label = "Start fine-tuning" if c.base else "Start training"
    title = f"{f'Fine-tune {c.base}' if c.base else f'Train {c.VERB[-1].upper()}'} on {card.label}"
    with st.container(horizontal=True, vertical_alignment="center"):
        clicked = st.button(label, type="primary", key="bl_train", icon=":material/play_arrow:")
        if clicked:
            estimating.end_all()
        job = running.start(c, title) if clicked else None
        estimating.show(c, card)
    return job


# ------------------------------------------------------------------------------------------------------ start from


def start_from(family: Family, card: DatasetCard) -> ModelCard | None:
    """The model whose weights the training begins with; None for random ones."""
    fit = {m.id: m for m in models.cards() if m.family == family.name and m.size == card.size}
    key, asked = f"bl_from_{family.name}", st.query_params.get("bl_from", "")
    # Not bound to the address, which would forget it with each change of the family; links set it all the same.
    if asked in fit and asked != st.session_state.get("bl_from"):
        st.session_state[key] = asked
    chosen = st.selectbox(
        "Start from",
        ["", *fit],
        key=key,
        format_func=lambda i: described(fit[i]) if i else "Nothing: random weights",
        help="A model of the same family and image size: its weights and its architecture are taken over (fine-tuning).",
        persist_state="session",
    )
    st.session_state["bl_from"] = chosen
    if chosen:
        st.query_params["bl_from"] = chosen
    elif asked:
        del st.query_params["bl_from"]
    return fit.get(str(chosen))


def described(card: ModelCard) -> str:
    """vae-petals-1 · example."""
    return card.id if origin(card) == "trained here" else f"{card.id} · {origin(card)}"


def origin(card: ModelCard) -> str:
    """In a word or two, where a model comes from."""
    if models.is_example(card):
        return "example"
    return "imported" if card.origin.startswith(("file:", "hub:")) else "trained here"


def preset(base: ModelCard | None) -> str:
    if base is None:
        return SCRATCH
    return LARGE if getattr(models.training_config(base), "imported", "") else TUNE


def architecture(family: Family, base: ModelCard) -> str:
    """What fine-tuning keeps of its base, in words: the knobs that cannot be turned any more."""
    c = models.training_config(base)
    weights = f"{base.metrics['parameters'] / 1e6:.2g} M weights" if "parameters" in base.metrics else ""
    names = [n for n in family.architecture if n not in ("size", "imported")]
    if getattr(c, "imported", ""):
        names = ["prediction"]
        weights = f"a network of its own{f', {weights}' if weights else ''}"
    kept = [f"{knobs.label(n).lower()} {knobs.choice(str(getattr(c, n)))}" for n in names]
    return f"Kept from {base.id}: " + ", ".join(filter(None, (weights, *kept)))


# -------------------------------------------------------------------------------------------------------- settings


def settings(family: Family, kind: str) -> list[tuple[Any, Any]]:
    """(knob, what its widget holds) of all that can be set: the main ones in sight, the rest in groups."""
    asked = {f.name: f for f in _asked(family, kind)}
    main = [asked[n] for n in MAIN[family.name] if n in asked]
    shown = _widgets(family.name, kind, main, st.columns(len(MAIN[family.name])))
    with st.expander("More settings"):
        for title, names in GROUPS:
            rest = [asked[n] for n in names if n in asked and asked[n] not in main]
            if rest:
                st.markdown(f"**{title}**")
                shown += _widgets(family.name, kind, rest, components.cells(len(rest), 150))
    return shown


def _asked(family: Family, kind: str) -> Iterator[Any]:
    assert family.config is not None
    for f in fields(family.config):
        kept = kind != SCRATCH and f.name in family.architecture
        if f.name not in NOT_ASKED and not f.metadata["hidden"] and not kept:
            yield f


def _widgets(family: str, kind: str, rest: Sequence[Any], places: Sequence[Any]) -> list[tuple[Any, Any]]:
    defaults, shown = PRESETS[family, kind], []
    for place, f in zip(places, rest, strict=False):
        with place:
            # Presets differ, and so do the values that people gave up for each of them.
            key = "_".join(filter(None, ("bl", family, kind, f.name)))
            shown.append((f, knobs.widget(f, defaults.get(f.name, f.default), key)))
    return shown
