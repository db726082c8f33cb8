"""Panels of the Sweep Viewer screen."""

import streamlit as st

from core import figures, sweeps
from core.sweeps import Sweep
from core.ui import components


def show_own() -> None:
    st.session_state["sw_source"] = "My trainings"


def show(sweep: Sweep) -> None:
    """Metric and axes to choose, the plot, the best run, the table of the runs that pass the filters."""
    if not sweep.metrics:
        components.empty(
            "No result among the columns",
            "The table needs one column of numbers that tells how good a run was, such as val_loss.",
        )
        return
    varying = list(sweeps.varying(sweep))
    first, second, third = st.columns([3, 2, 6])
    metric = str(first.selectbox("Result", sweep.metrics, key="sw_metric", bind="query-params"))
    sweep = sweeps.leading(sweep, metric)
    directions = ["lower", "higher"]
    chosen = second.segmented_control(
        "Better", directions, default=sweeps.direction(metric), required=True, key=f"sw_better_{metric}", bind="query-params"
    )
    better = str(chosen)
    axes = third.multiselect(
        "Axes",
        sweep.params,
        default=varying or list(sweep.params)[:6],
        key="sw_axes",
        help="Settings that differ between runs are chosen to begin with.",
    )
    data = sweeps.frame(sweep)
    failed = sum(r.failed for r in sweep.runs)
    best = sweeps.best(sweep, metric, better)
    facts = st.columns(3)
    facts[0].metric("Runs", len(sweep.runs))
    facts[1].metric("Failed or without a result", failed)
    facts[2].metric(f"Best {metric}", f"{best.metrics[metric]:.4g}" if best else "–")
    figure, alt = figures.parallel(data, [*axes, metric], metric, better=better)
    st.plotly_chart(figure, alt=alt, config={"displaylogo": False}, key="sw_parallel")
    st.caption(alt + " Drag along an axis to pick runs; drag an axis to move it.")
    if best:
        settings = ", ".join(f"{k} {best.params[k]}" for k in (axes or best.params) if k in best.params)
        st.markdown(f"**Best run: {best.name or best.id}** · {settings}")
    table = data.sort_values(metric, ascending=better == "lower", na_position="last")
    st.dataframe(table, hide_index=True, key="sw_table")
    for note in sweep.notes:
        st.caption(note)
