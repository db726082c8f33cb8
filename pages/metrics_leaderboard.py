"""Metrics Leaderboard: ranked evaluations of one data set under one protocol, all that stands behind them, and new ones."""

from collections.abc import Callable

import streamlit as st

from core import datasets, leaderboard
from core.protocols import PROTOCOLS, label
from core.ui import carrying, components, evaluating, running, score_details, score_plots, score_table, scores, side_by_side

components.heading(
    "Metrics Leaderboard", "Scores with their rules, errors and yardsticks. Only what was measured alike is ranked together."
)

# Choose
left, right = st.columns(2)
cards = {c.name: c for c in datasets.cards()}
with left:
    # A folder that something was compared with has a table as well.
    names = [*cards, *(n for n in leaderboard.references() if n not in cards)]
    name = str(st.selectbox("Data set", names, key="lb_dataset", bind="query-params"))
protocol = str(
    right.selectbox("Protocol", list(PROTOCOLS), key="lb_protocol", format_func=lambda p: PROTOCOLS[p].label, bind="query-params")
)
rules = PROTOCOLS[protocol]
st.caption(rules.use)

# Ask
card = components.prepared(name) if name in cards else None
ready = card is not None or name not in cards
title = card.label if card else name
missing = evaluating.weights_missing(rules)
if missing:
    st.warning(missing, icon=":material/download:")
# Decided once a visit: the address loses the parameter when the choice is the default one.
st.session_state.setdefault("lb_open", "lb_target" in st.query_params)
if ready and not missing:
    words, opened = "Evaluate a model or a folder of images", st.session_state["lb_open"]
    with st.expander(words, opened, icon=":material/science:", on_change="rerun", key="lb_form") as form:
        if form.open:
            with components.friendly_errors():
                evaluating.form(name if card else "", title, rules)
active = running.jobs.active("evaluate")
if active:
    evaluating.watch(active)
waiting = evaluating.provisional(active, name, rules)
for job in running.jobs.every("evaluate")[:1]:
    running.failure(job)
everything = leaderboard.rows(name, protocol)

# Show
printed = leaderboard.published(protocol)
if ready and not everything and not waiting:
    says = (
        "Start with the yardsticks, which every other number is read against. The first evaluation also reads the real images "
        "once, which takes minutes on a CPU; all later ones reuse that."
    )
    components.empty(f"Nothing is scored against {components.plain(title)} yet", "" if missing else says)
    if card and not active and not missing and st.button("Measure the yardsticks", type="primary"):
        evaluating.start("noise", name, rules)
        st.rerun()
if not rules.ranked:
    st.info("Never ranked: too few images for any verdict. The table shows how such figures arise.", icon=":material/info:")
if everything or waiting:
    rows, more = scores.filters(everything)
    if not rows and everything:
        st.caption("No row is left by this choice.")
    score_table.table(rows, rules, more, waiting)
    scores.remarks(rows[: scores.MOST_ROWS], rules, waiting)
    evaluating.fresh(everything)
    carrying.tables(rows, f"leaderboard-{name.replace('/', '-')}-{protocol}")
    rows = rows[: scores.MOST_ROWS]
    views: dict[str, tuple[str, Callable[[], None]]] = {
        "intervals": ("Values and errors", lambda: score_plots.intervals(rows, rules)),
        "cost": ("Quality and cost", lambda: score_plots.cost(rows, rules)),
        "details": ("One row in detail", lambda: score_details.details(rows, rules)),
        "side": ("Side by side", lambda: side_by_side.show(rows, rules)),
        "apart": ("Why not ranked together?", lambda: score_details.apart(rows, leaderboard.rows(name)[: scores.MOST_ROWS])),
    }
    if score_plots.has_methods(everything):
        views["methods"] = ("Methods", lambda: score_plots.methods(name, rules))
    if rows:
        view = st.segmented_control(
            "Look closer",
            list(views),
            default="intervals",
            required=True,
            key="lb_view",
            format_func=lambda v: views[v][0],
            label_visibility="collapsed",
            bind="query-params",
        )
        with components.friendly_errors():
            views[str(view)][1]()
if printed:
    scores.published(printed, label(protocol, rules.metrics[0].key))

# Carry and check: nothing of these is made until it is opened.
panels: tuple[tuple[str, str, Callable[[], None]], ...] = (
    ("Carry results between machines", "lb_carry", lambda: carrying.bundles(name, protocol, bool(everything))),
    ("Self-test of the metrics", "lb_check", carrying.selftest),
)
for words, key, show in panels:
    with st.expander(words, on_change="rerun", key=key) as panel, components.friendly_errors():
        if panel.open:
            show()
