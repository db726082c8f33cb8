"""Two or more rows of the leaderboard beside each other: the same first images, and what the statistics say of each pair."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import streamlit as st

from core import compare, evaluate, leaderboard, results
from core.errors import ScoreError
from core.protocols import label
from core.types import EvalProtocol, Evaluation
from core.ui import components, evaluating, score_details, scores

Row = Mapping[str, Any]

MOST, ACROSS = 6, 12
WORDS = {"a": "A is better", "b": "B is better", "equal": "equal within the margin", "undecided": "undecided"}


def show(rows: Sequence[Row], rules: EvalProtocol) -> None:
    by_id = {r["evaluation"]: r for r in rows}
    chosen = st.multiselect(
        "Rows to compare",
        list(by_id),
        _first_two(rows),
        key="lb_side",
        format_func=lambda i: scores.name(by_id[i]),
        max_selections=MOST,
        bind="query-params",
    )
    if not chosen:
        st.caption("Choose two or more rows.")
        return
    picked = [by_id[i] for i in chosen]
    seeds = {r["seed"] for r in picked}
    alike = f"All start from seed {picked[0]['seed']}: image i of each row is one pair."
    unlike = "Their seeds differ, so images below each other have nothing in common; verdicts are less sharp for it."
    st.caption(alike if len(seeds) == 1 and None not in seeds else unlike)
    evaluations = [leaderboard.evaluation(int(i)) for i in chosen]
    for r, e in zip(picked, evaluations, strict=True):
        _strip(r, e, rules)
    if len(picked) > 1:
        verdicts(evaluations, rules)


def _first_two(rows: Sequence[Row]) -> list[int]:
    """Of the first table that has two models or folders; else of any."""
    models = [[int(r["evaluation"]) for r in group if r["kind"] != "yardstick"] for group in scores.groups(rows)]
    return next((m for m in models if len(m) > 1), [i for m in models for i in m])[:2]


def _strip(r: Row, e: Evaluation, rules: EvalProtocol) -> None:
    """The first images of one row under its name and score."""
    lead = rules.metrics[0]
    value = scores.with_error(r[lead.metric], r[f"{lead.metric}_error"])
    st.markdown(f"**{components.plain(r['model'])}** {components.plain(r['sampler'])} · {label(rules.name, lead.key)} {value}")
    found = evaluate.gallery(e)
    if found is None:
        st.caption("Its pictures are not in the cache of this machine.")
        evaluating.again(r, f"lb_again_{e.id}")
        return
    images = found["samples"][:ACROSS]
    components.picture(score_details.strip(images, ACROSS), f"first {len(images)} images of {r['model']}", width="stretch")


def verdicts(evaluations: Sequence[Evaluation], rules: EvalProtocol) -> None:
    """Every pair: difference, verdict, what could have been shown, and how many images would settle it."""
    if not rules.ranked:
        st.caption("These rules allow no verdict: too few images.")
        return
    roles = [r.key for r in rules.metrics if r.metric in compare.DECIDES]
    left, right = st.columns(2)
    role = left.selectbox("Compared by", roles, format_func=lambda k: label(rules.name, k), key="lb_by", bind="query-params")
    says = "Declare it before you look. Two models whose difference lies within it, errors included, are called equal."
    margin = right.number_input(
        "Largest difference that does not matter",
        min_value=0.0,
        value=None,
        format="%g",
        key="lb_margin",
        help=says,
        placeholder="none",
    )
    full = results.with_influences_of(evaluations, str(role))
    names = {e.id: " · ".join(w for w in (e.subject, leaderboard.described(e)) if w) for e in full}
    rows = [{"A": names[a.id], "B": names[b.id], **_verdict(a, b, str(role), margin or None)} for a, b in combinations(full, 2)]
    notes = dict.fromkeys(str(r.pop("Note")) for r in rows)
    st.dataframe(rows, hide_index=True, height="content", column_config=COLUMNS)
    for note in filter(None, notes):
        st.caption(components.plain(note))


COLUMNS = {
    "A − B": st.column_config.Column(help="Difference ± standard error of the pair: what both share drops out. Lower is better"),
    "Could be shown": st.column_config.Column(
        help="The smallest difference that this number of images can tell from chance (5 %)"
    ),
    "Images needed": st.column_config.Column(
        help="With so many images each, a true difference of this size would show in 80 % of trials"
    ),
}


def _verdict(a: Evaluation, b: Evaluation, role: str, margin: float | None) -> dict[str, Any]:
    try:
        c = leaderboard.compared(a, b, role, margin)
        needed = compare.n_needed(a, b, role) if c.verdict == "undecided" and not c.note else None
    except ScoreError as e:
        return {"A − B": "–", "Verdict": "cannot be compared", "Could be shown": "–", "Images needed": "–", "Note": str(e)}
    return {
        "A − B": scores.with_error(c.difference, c.error),
        "Verdict": WORDS[c.verdict],
        "Could be shown": f"{c.detectable:.2g}",
        "Images needed": "–" if needed is None else f"{needed:,}",
        "Note": c.note,
    }
