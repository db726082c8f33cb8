"""The form that adds a data set: where its images come from, which of them, how they are divided, cropped and made small."""

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import streamlit as st

from core import datasets
from core.configs import AddConfig, PrepareConfig
from core.datasets import PUBLISHED, Published
from core.errors import StudioError
from core.ui import components, knobs, running

HUB = "hub"
KINDS = {"folder": "Folder or .zip", **{name: p.label for name, p in PUBLISHED.items()}, HUB: "Hugging Face Hub"}
SPLIT_LABELS = {
    "auto": "its folders, else 80/10/10",
    "random": "80/10/10 at random",
    "own": "as its publishers did",
    "identity": "80/10/10, no person in two splits",
}
SPLITS = {"folder": ("auto", "random", "own"), "flowers102": ("random", "own")}
ANY_SPLIT = ("random", "own", "identity")
SUBSET_LABELS = {"all": "all", "first": "the first", "random": "a random choice"}
MORE = ("split_file", "seed", "crop", "resize", "root", "config", "revision", "image_column", "label_column")
ONLY = {
    "split_file": ("folder",),
    "root": tuple(PUBLISHED),
    **dict.fromkeys(("config", "revision", "image_column", "label_column"), (HUB,)),
}
"""Knobs that not every kind of source has."""

_KNOBS = {f.name: f for f in fields(AddConfig)}


def panel() -> None:
    """The form, its command and its button; `ds_fetching` in the session is then the job that fetches."""
    with st.container(width=560):
        kind = str(st.segmented_control("From", list(KINDS), default="folder", required=True, key="ds_kind", **_shown(KINDS)))
        if kind == "folder":
            st.text_input("Folder or .zip on this machine", key="ds_source", help="Class folders are recognised.")
        elif kind == HUB:
            st.text_input("Data set on the Hub", placeholder="OWNER/NAME", key="ds_hub")
        c = asked(kind)
        st.text_input("Name in the studio", key="ds_new_name", placeholder=c.name, help="Left empty: the name shown in grey.")
        left, right = st.columns(2)
        left.selectbox("Splits", SPLITS.get(kind, ANY_SPLIT), key=f"ds_split_{kind}", **_shown(SPLIT_LABELS))
        subset = right.selectbox("Which images", list(SUBSET_LABELS), key=f"ds_subset_{kind}", **_shown(SUBSET_LABELS))
        if subset != "all":
            with right:
                knobs.widget(_KNOBS["n"], _KNOBS["n"].default, f"ds_n_{kind}")
        with st.expander("More settings"):
            names = [n for n in MORE if kind in ONLY.get(n, (kind,))]
            for place, name in zip(components.cells(len(names), 200), names, strict=True):
                with place:
                    knobs.widget(_KNOBS[name], _KNOBS[name].default, f"ds_{name}_{kind}")
        with components.friendly_errors():
            c = asked(kind)
            if kind in PUBLISHED:
                needs(PUBLISHED[kind], c)
            elif kind == HUB:
                st.caption("The Hub says how large it is and under which licence; the card shows the licence once it is here.")
            if c.source:
                components.command(c)
        st.button("Add and prepare", type="primary", disabled=not c.source, on_click=add, key="ds_add")
        if "ds_add_error" in st.session_state:
            st.error(components.plain(st.session_state["ds_add_error"]), icon=":material/error:")
        if kind != "folder":
            st.caption("Pressing it downloads what is missing. Nothing is downloaded before.")


def form() -> int:
    """The number of the form that is shown: each serves for one data set."""
    return int(st.session_state.get("ds_forms", 0))


def needs(p: Published, c: AddConfig) -> None:
    """What a published set is, what of it is here, and which files belong where for whoever places them by hand."""
    missing = datasets.missing(c)
    size = sum(p.bytes[file.name] for file in missing)
    here = f"{size / 1e6:,.0f} MB to download" if missing else "all files are on this machine"
    st.caption(f"{p.n:,} images · {here} · {p.licence}")
    if missing:
        with st.expander("Place the files by hand"):
            st.markdown(f"From {p.page} into `{missing[0].parent}`:")
            files = [{"File": f.name, "Bytes": p.bytes[f.name]} for f in missing]
            st.dataframe(files, hide_index=True, column_config={"Bytes": st.column_config.NumberColumn(format="localized")})
            st.caption(f"Or unpacked: the folder {p.images}. Checksums are compared when it is added.")


def asked(kind: str) -> AddConfig:
    """What the form says. ConfigError for settings that do not go together."""
    words = {n: v for n in _KNOBS if (v := st.session_state.get(f"ds_{n}_{kind}")) is not None}
    said: dict[str, Any] = {n: v.strip() if isinstance(v, str) else v for n, v in words.items()}
    source = {"folder": _text("ds_source"), HUB: f"hub:{hub}" if (hub := _text("ds_hub")) else ""}.get(kind, kind)
    if said.get("subset", "all") == "all":
        said.pop("n", None)
    return AddConfig(source, name=_text("ds_new_name") or suggested(source), **said, prepare=True)


def suggested(source: str) -> str:
    """A name that can be a folder's: the last part of the place, other characters as hyphens."""
    last = Path(source.removeprefix("hub:"))
    return re.sub(r"[^A-Za-z0-9._@-]+", "-", last.stem if last.suffix == ".zip" else last.name).strip("-._@")[:80]


def add() -> None:
    """Registers a folder or archive, starts its preparation and shows it: before the page is run again, so that it can be chosen.

    What has to be fetched is fetched and prepared by a job.
    """
    st.session_state.pop("ds_add_error", None)
    try:
        c = datasets.checked(asked(st.session_state["ds_kind"]))
        if datasets.is_path(c.source):
            new = datasets.add(c)
            running.start(PrepareConfig(new.name), f"Prepare {new.label}")
            st.session_state["ds_name"] = new.name
        else:
            st.session_state["ds_fetching"] = running.start(c, f"Fetch {c.source}").id
    except StudioError as e:
        st.session_state["ds_add_error"] = str(e)
    else:
        # A form of another key is a closed one, which hides nothing of what it started.
        st.session_state["ds_forms"] = form() + 1


def _text(key: str) -> str:
    return str(st.session_state.get(key) or "").strip()


def _shown(labels: dict[str, str]) -> dict[str, Any]:
    return {"format_func": lambda v: labels[v]}
