"""The rows of the leaderboard in words: their names and cells, which of them are shown, and what must be said of them."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from core.protocols import label, role
from core.types import EvalProtocol
from core.ui.components import plain

Row = Mapping[str, Any]

MOST_ROWS, MOST_TABLES = 200, 8
"""Rows and groups that a page shows; the exports have all."""

KINDS = {"model": "Models", "folder": "Folders"}


# ----------------------------------------------------------------------------------------------------------- words


def name(r: Row) -> str:
    """The row in the words of lists: unique by the number of its evaluation."""
    return " · ".join([*(str(p) for p in (r["model"], r["sampler"]) if p), f"n = {count(r['n'])}", f"#{r['evaluation']}"])


def count(n: int | None) -> str:
    return "–" if n is None else f"{n:,}"


def with_error(value: float | None, error: float | None) -> str:
    """0.1234 ± 0.0021; the error decides how many digits are shown."""
    if value is None:
        return "–"
    if error is None or error <= 0:
        return f"{value:.4g}"
    digits = max(0, 1 - int(f"{error:e}".split("e")[1]))
    return f"{value:.{digits}f} ± {error:.{digits}f}"


def place(r: Row) -> str:
    if r["rank"] is None:
        return "yardstick" if r["kind"] == "yardstick" else "not ranked"
    low, high = r["rank_low"], r["rank_high"]
    return str(low) if low == high else f"{low}–{high}"


def share(r: Row) -> str:
    """Of the way from a Gaussian to held-out images; behind its start how far does not matter."""
    if r["share"] is None:
        return "–"
    return "below 0 %" if r["share"] < 0 else f"{100 * r['share']:.0f} %"


def copied(r: Row) -> str:
    """98 % (95–100 %)"""
    if r["copies"] is None:
        return "–"
    low, high = r["copies_low"], r["copies_high"]
    return f"{100 * r['copies']:.0f} %" + ("" if low is None else f" ({100 * low:.0f}–{100 * high:.0f} %)")


def marks(r: Row) -> str:
    found = [f"{100 * r['copies']:.0f} % copies" if r["flagged"] else "", "metrics disagree" if r["disagrees"] else ""]
    return ", ".join(w for w in (*found, f"from {r['origin']}" if r["origin"] else "") if w)


# --------------------------------------------------------------------------------------------------------- choosing


def filters(rows: Sequence[Row]) -> tuple[list[Row], bool]:
    """What of the rows is to be shown, and whether with all metrics; every choice stands in the address."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kinds = st.pills(
            "Show", list(KINDS), selection_mode="multi", format_func=KINDS.__getitem__, key="lb_kind", bind="query-params"
        )
        find = st.text_input("Name contains", key="lb_find", bind="query-params", placeholder="all names", width=220)
        yardsticks = st.toggle(
            "Yardsticks",
            True,
            key="lb_yardsticks",
            bind="query-params",
            help="Held-out real images, a Gaussian, noise and a copier",
        )
        says = "Inception score, precision and recall, density and coverage, copies: they rank nothing here"
        more = st.toggle("More metrics", False, key="lb_more", bind="query-params", help=says)
    words = (find or "").lower().split()

    def kept(r: Row) -> bool:
        if r["kind"] == "yardstick":
            return bool(yardsticks)
        text = f"{r['model']} {r['sampler']}".lower()
        return (not kinds or r["kind"] in kinds) and all(w in text for w in words)

    return [r for r in rows if kept(r)], bool(more)


def groups(rows: Sequence[Row]) -> list[list[Row]]:
    """Rows of equal Terms together, in their order."""
    found: dict[str, list[Row]] = {}
    for r in rows:
        found.setdefault(str(r["terms"]), []).append(r)
    return list(found.values())


# --------------------------------------------------------------------------------------------------- said below it


def remarks(rows: Sequence[Row], rules: EvalProtocol, waiting: Sequence[Row] = ()) -> None:
    """Copies, disagreements, few images, and on which seed the order was chosen."""
    for r in waiting:
        st.caption(f"{plain(r['model'])} is being evaluated: its first {r['n']} images only so far, so its place is open.")
    for r in [r for r in rows if r["flagged"]][:5]:
        share, low, high = (f"{100 * r[k]:.0f} %" for k in ("copies", "copies_low", "copies_high"))
        st.markdown(
            f":red[**{plain(r['model'])} copies training images**]: {share} of its images, 95 % interval {low} to {high}."
        )
    for r in [r for r in rows if r["disagrees"]][:3]:
        st.caption(f"**{plain(r['model'])}**: {plain(r['disagrees'])}")
    if rules.ranked:
        for why, names in _unranked(rows).items():
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            st.caption(f"**{plain(', '.join(names[:3]))}**{more}: no rank; {plain(why)}.")
    bands, distance = {r["fd_band"] for r in rows}, label(rules.name, role(rules.name, "fd"))
    if "small" in bands:
        st.caption(f"{distance} marked “small n” comes from fewer images than it has numbers to estimate: it decides nothing.")
    if "provisional" in bands:
        st.caption(f"{distance} from fewer than 10,000 images is provisional: it falls with the number of images.")


def _unranked(rows: Sequence[Row]) -> dict[str, list[str]]:
    """By reason, the rows that have no rank although they are no yardsticks."""
    found: dict[str, list[str]] = {}
    for r in rows:
        if r["unranked"] and r["kind"] != "yardstick":
            found.setdefault(str(r["unranked"]).rstrip("."), []).append(str(r["model"]))
    return found


def published(printed: Sequence[Row], distance: str) -> None:
    """Figures that others printed, as they stand there."""
    st.markdown("**As it was published**")
    shown = [
        {
            "Approach": r["approach"],
            f"{distance}, Flowers102": f"{r['fid_flowers102']:.4f}",
            f"{distance}, CelebA": f"{r['fid_celeba']:.4f}",
            "Inception score ± standard deviation": f"{r['is']:.4f} ± {r['is_spread']:.4f}",
            "Note": r["note"],
        }
        for r in printed
    ]
    st.dataframe(shown, hide_index=True, height="content")
    sources = ", ".join(dict.fromkeys(str(r["source"]) for r in printed))
    st.caption(f"From {sources}. Printed figures, not measured here; never ranked.")


def best_models(rows: Sequence[Row]) -> list[Row]:
    """The best model of each data set and protocol that copies nothing, from its first group: that with the most images."""
    found: dict[tuple[str, str], Row] = {}
    first: dict[tuple[str, str], str] = {}
    for r in rows:
        where = (str(r["dataset"]), str(r["protocol"]))
        if r["kind"] == "model" and not r["flagged"] and first.setdefault(where, str(r["terms"])) == r["terms"]:
            found.setdefault(where, r)
    return list(found.values())
