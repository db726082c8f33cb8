"""Widgets for the knobs of a config: help, range, choices and suggestions come from its fields."""

from typing import Any

import streamlit as st

from core.errors import ConfigError

LABELS = {
    "accumulate": "Batches a step",
    "beta": "KL weight (beta)",
    "clip": "Gradient clip",
    "config": "Configuration",
    "ema": "EMA decay",
    "flips": "Mirror images",
    "layers": "Layers a resolution",
    "min_snr": "Min-SNR cap",
    "n": "How many",
    "num_nodes": "Machines",
    "root": "Folder of downloads",
    "warmup": "Warm-up",
    "wandb": "Weights & Biases",
    "wandb_project": "W&B project",
}
"""Where the knob's own name is not what people call it."""

CHOICES = {"v_prediction": "v (velocity)", "epsilon": "epsilon (the noise)", "squaredcos_cap_v2": "cosine"}


def label(name: str) -> str:
    """learning_rate -> Learning rate."""
    return LABELS.get(name) or name.replace("_", " ").capitalize()


def choice(value: str) -> str:
    """v_prediction -> v (velocity)."""
    return CHOICES.get(value, value)


def widget(f: Any, default: Any, key: str) -> Any:
    """The widget of a knob; what it holds, numbers with a fraction as their text. It keeps its value while it is not shown."""
    words, meta = f.metadata["help"], f.metadata
    shared: dict[str, Any] = {"key": key, "help": words[:1].upper() + words[1:], "persist_state": "session"}
    if f.type is bool:
        return st.toggle(label(f.name), default, **shared)
    if meta["choices"]:
        options = list(meta["choices"])
        return st.selectbox(label(f.name), options, options.index(default), format_func=choice, **shared)
    if meta["suggestions"]:
        options = list(dict.fromkeys((*meta["suggestions"], default)))
        chosen = st.selectbox(label(f.name), options, options.index(default), accept_new_options=True, **shared)
        return str(chosen or default).strip()
    if f.type is int:
        return int(st.number_input(label(f.name), int(meta["low"]), int(meta["high"]), int(default), **shared))
    # A number input has one step and one format, and a learning rate has neither.
    text = f"{default:g}" if f.type is float else default
    return (st.text_input(label(f.name), text, **shared) or "").strip()


def read(f: Any, value: Any) -> Any:
    """What the config takes; ConfigError for a text that is no number."""
    if f.type is not float:
        return value
    try:
        return float(value)
    except ValueError as e:
        raise ConfigError(f"{label(f.name)} is '{value}'; needed: a number, such as {f.default:g}.") from e
