"""The leaderboard itself: a table a group of equal Terms, yardsticks tinted, copiers red, few images grey."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from core import leaderboard
from core.protocols import MATCHED, label, role
from core.types import EvalProtocol
from core.ui import components, scores

Row = Mapping[str, Any]

MORE = ("is", "precision", "recall", "density", "coverage")
GREY, RED = "color: #8C8C8C", "color: #D9480F"
TINT, WAITING = "background-color: rgba(128,128,128,0.13)", "background-color: rgba(230,159,0,0.16)"
PINNED = ("Rank", "Model")
SHORT = 24  # letters of two values that fit into a caption
WORDY = ("Model", "Marks", "Drawn by")

HELP = {
    "Rank": "1 + the number of rows that are significantly better (5 %, corrected for the number of pairs); a range where the "
    "order is open",
    "Marks": "What to know before quoting the row; the sentences are below the table",
    "Way to held-out": "0 %: as far from the training images as a Gaussian of their pixels; 100 %: as near as real images that "
    "were held out; below 0 %: worse than the Gaussian",
    "n vs N_ref": "Generated images, and the real images that they are compared with",
    "Passes": "Network evaluations: passes through the model's network to draw one image",
    "s per 1,000": "Seconds to draw 1,000 images on the machine that drew them",
    "Seed": "The seed of the images that the row shows",
    "Copies": "Share of the images that copy a training image, beyond what chance explains, with its 95 % interval",
}


def table(rows: Sequence[Row], rules: EvalProtocol, more: bool, waiting: Sequence[Row] = ()) -> None:
    """One table a group: what is in two tables cannot be ranked together. `waiting`: provisional rows, above the first."""
    shown = rows[: scores.MOST_ROWS]
    together = scores.groups(shown) or [[]]
    for i, group in enumerate(together[: scores.MOST_TABLES]):
        if i:
            apart = leaderboard.why_apart(together[0][0]["evaluation"], group[0]["evaluation"])
            # Names and hashes are for the view that asks why; here numbers say it.
            what = "; ".join(f"{field} {b} instead of {a}" if len(a + b) < SHORT else field for field, a, b in apart)
            st.caption(
                components.plain(f"Not ranked with the first table, since measured otherwise{f': {what}' if what else ''}.")
            )
        _one(group, rules, more, waiting if i == 0 else (), f"lb_table_{i}")
    hidden = len(rows) - sum(map(len, together[: scores.MOST_TABLES]))
    if hidden > 0:
        st.caption(f"{len(rows) - hidden:,} of {len(rows):,} rows are shown; narrow the choice above, or export all of them.")


def _one(group: Sequence[Row], rules: EvalProtocol, more: bool, waiting: Sequence[Row], key: str) -> None:
    columns = _columns(group, rules, more)
    body = [_provisional(w, columns, rules) for w in waiting] + [{head: cell(r) for head, cell in columns.items()} for r in group]
    styles = [[WAITING] * len(columns) for _ in waiting] + [[_style(r, h, rules) for h in columns] for r in group]
    frame = pd.DataFrame(body, columns=list(columns))
    css = pd.DataFrame(styles, index=frame.index, columns=frame.columns)
    config = {h: st.column_config.Column(help=HELP.get(h), pinned=h in PINNED, width=_width(h, body)) for h in columns}
    numbers = [None] * len(waiting) + [r["evaluation"] for r in group]
    st.dataframe(
        frame.style.apply(lambda _: css, axis=None),
        hide_index=True,
        column_config=config,
        key=key,
        on_select=functools.partial(_chosen, key, numbers),
        selection_mode="single-row",
        alt=f"{len(group)} rows ranked together, the best first",
    )


def _width(head: str, body: Sequence[Mapping[str, str]]) -> int | None:
    """Screen pixels for the widest text; the browser guesses by the first cells alone."""
    if head not in WORDY:
        return None
    return min(300, 20 + round(6.4 * max([len(head), *(len(cells[head]) for cells in body)])))


def _chosen(key: str, numbers: Sequence[int | None]) -> None:
    """A row that is clicked opens its details."""
    rows = st.session_state[key].selection.rows
    if rows and rows[0] < len(numbers) and numbers[rows[0]] is not None:
        st.session_state["lb_row"] = numbers[rows[0]]
        st.session_state["lb_view"] = "details"


def _columns(rows: Sequence[Row], rules: EvalProtocol, more: bool) -> dict[str, Callable[[Row], str]]:
    """Heading -> cell of a row; only what these rows have anything to say in."""

    def some(*keys: str) -> bool:
        return any(r[k] not in (None, "", False) for r in rows for k in keys)

    # Rows of one table have equal Terms, so the same weights.
    weights = next((str(r["weights"]) for r in rows), "")

    def head(metric: str) -> str:
        return label(rules.name, role(rules.name, metric), weights)

    def value(metric: str) -> Callable[[Row], str]:
        return lambda r: scores.with_error(r[metric], r[f"{metric}_error"])

    measured = {r.metric for r in rules.metrics}
    matched = next((r["n_matched"] for r in rows if r["n_matched"]), None)
    own = next((r["n"] for r in rows if r["kid"] is not None), None)
    found: list[tuple[bool, str, Callable[[Row], str]]] = [
        (True, "Rank", scores.place),
        (True, "Model", lambda r: str(r["model"])),
        (some("flagged", "disagrees", "origin"), "Marks", scores.marks),
    ]
    if "kid" in measured:
        found.append((True, head("kid"), value("kid")))
        found.append((matched not in (None, own), f"{head('kid')}, n = {scores.count(matched)}", value("kid" + MATCHED)))
        found.append((some("share"), "Way to held-out", scores.share))
    found += [
        (some("sampler"), "Drawn by", lambda r: r["sampler"] or "–"),
        (True, "n vs N_ref", lambda r: f"{scores.count(r['n'])} vs {scores.count(r['n_real'])}"),
        (True, "Passes", lambda r: scores.count(r["network_evaluations"])),
        (True, "s per 1,000", lambda r: "–" if r["seconds_per_1000"] is None else f"{r['seconds_per_1000']:.3g}"),
        ("fd" in measured, head("fd"), _distance),
        *((some(m), head(m), value(m)) for m in measured & {"fd_corrected"}),
        *((True, head(m), value(m)) for m in MORE if more and m in measured),
        (more and "copies" in measured, "Copies", scores.copied),
        (True, "Seed", lambda r: "–" if r["seed"] is None else str(r["seed"])),
        (some("report_kid"), "On another seed", _reported),
    ]
    return {heading: cell for wanted, heading, cell in found if wanted}


def _distance(r: Row) -> str:
    return scores.with_error(r["fd"], r["fd_error"]) + (" (small n)" if r["fd"] is not None and r["fd_band"] == "small" else "")


def _reported(r: Row) -> str:
    if r["report_kid"] is None:
        return "–"
    return f"{scores.with_error(r['report_kid'], r['report_kid_error'])} (seed {r['report_seed']})"


def _style(r: Row, head: str, rules: EvalProtocol) -> str:
    """Yardsticks tinted, a distance of few images grey, a copier's mark red."""
    words = [TINT] if r["kind"] == "yardstick" else []
    if head == label(rules.name, role(rules.name, "fd"), str(r["weights"])) and r["fd_band"] == "small":
        words.append(GREY)
    if head in ("Marks", "Copies") and r["flagged"]:
        words.append(RED)
    return "; ".join(words)


def _provisional(w: Row, columns: Mapping[str, Any], rules: EvalProtocol) -> dict[str, Any]:
    """A running evaluation's first number; nothing else of it is known."""
    lead = label(rules.name, rules.metrics[0].key)
    known = {
        "Rank": "running",
        "Model": w["model"],
        lead: scores.with_error(w["value"], w["error"]),
        "n vs N_ref": f"first {w['n']}",
    }
    return {head: known.get(head, "–") for head in columns}
