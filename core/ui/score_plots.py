"""Figures of the leaderboard's rows, and the view that asks about methods instead of checkpoints."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from core import figures, leaderboard
from core.protocols import MATCHED, label
from core.types import EvalProtocol
from core.ui import components, scores

Row = Mapping[str, Any]


def intervals(rows: Sequence[Row], rules: EvalProtocol) -> None:
    """Value and 95 % interval of each row; at the size of the held-out set where that is the smaller one."""
    lead = rules.metrics[0]
    metric = lead.metric
    # Held-out photos are as many as there are; only the matched column has them beside the models.
    if any(r["n_matched"] for r in rows):
        sizes = {"matched": "as many as held-out", "all": "all"}
        default = "matched" if any(r[metric] is None for r in rows) else "all"
        chosen = st.segmented_control(
            "Images of each model",
            list(sizes),
            default=default,
            required=True,
            key="lb_size",
            format_func=lambda s: sizes[s],
            bind="query-params",
        )
        metric += MATCHED if chosen == "matched" else ""
    figure, alt = figures.ranking(rows, metric, label=label(rules.name, lead.key))
    components.plot(figure, alt, "lb_intervals")


def cost(rows: Sequence[Row], rules: EvalProtocol) -> None:
    """Quality against what it costs to draw the images."""
    titles = {by: title for by, (title, _) in figures.COSTS.items()}
    by = st.segmented_control(
        "Cost",
        list(titles),
        default="network_evaluations",
        required=True,
        key="lb_cost",
        format_func=lambda b: titles[b],
        bind="query-params",
        help="Seconds are those of the machine that drew the images; network evaluations are the same everywhere.",
    )
    lead = rules.metrics[0]
    figure, alt = figures.cost(rows, lead.metric, str(by), label(rules.name, lead.key))
    components.plot(figure, alt, "lb_quality_cost")


def has_methods(rows: Sequence[Row]) -> bool:
    """Whether two trained models are seeds of one experiment."""
    models = {(r["experiment"], r["model"]) for r in rows if r["experiment"]}
    return len(models) > len({experiment for experiment, _ in models})


def methods(dataset: str, rules: EvalProtocol) -> None:
    """Checkpoint or method? The trainings of each method with their spread."""
    rows = leaderboard.methods(dataset, rules.name)
    lead = label(rules.name, rules.metrics[0].key)
    shown = [
        {
            "Rank": f"not ranked: {r['why']}" if r["rank"] is None else _place(r),
            "Method": r["method"],
            "Trainings": str(r["trainings"]),
            f"Mean {lead}": scores.with_error(r["kid"], r["error"]),
            "Spread between trainings": "–" if r["spread"] is None else f"{r['spread']:.2g}",
            "Seed of the training: score": r["seeds"],
            "n": scores.count(r["n"]),
        }
        for r in rows
    ]
    st.dataframe(shown, hide_index=True, height="content")
    st.caption(
        "One training is one draw. A method is a family with its settings, trained several times from different seeds: ± is the "
        "standard error of the mean over trainings, the spread their standard deviation. A claim about a method needs three."
    )


def _place(r: Row) -> str:
    return str(r["rank_low"]) if r["rank_low"] == r["rank_high"] else f"{r['rank_low']}–{r['rank_high']}"
