"""Metrics Leaderboard: ranked evaluations of one data set under one protocol; evaluate from here; export."""

import streamlit as st

from core import export, leaderboard
from core.protocols import PROTOCOLS
from core.ui import components, running, scores

components.heading(
    "Metrics Leaderboard", "Scores with their rules, errors and yardsticks. Only what was measured alike is ranked together."
)

# Choose
left, right = st.columns(2)
with left:
    name = components.dataset_choice("lb_dataset")
protocol = right.selectbox(
    "Protocol", list(PROTOCOLS), key="lb_protocol", format_func=lambda p: PROTOCOLS[p].label, bind="query-params"
)
rules = PROTOCOLS[str(protocol)]
st.caption(rules.use)

# Ask
card = components.prepared(name)
if card is None:
    st.stop()
# Decided once a visit: the address loses the parameter when the choice is the default one.
st.session_state.setdefault("lb_open", "lb_target" in st.query_params)
with st.expander("Evaluate a model or a folder of images", icon=":material/science:", expanded=st.session_state["lb_open"]):
    scores.form(card, rules)
active = running.jobs.active("evaluate")
if active:
    running.watch([j.id for j in active])
for job in running.jobs.every("evaluate")[:1]:
    running.failure(job)
rows = leaderboard.rows(name, str(protocol))

# Show
if not rows:
    components.empty(
        f"Nothing is scored against {card.label} yet",
        f"Start with the yardsticks: held-out real images, a Gaussian and noise under {rules.label}. "
        "The first evaluation also reads the whole training split once, which takes minutes on a CPU; all later ones reuse it.",
    )
    if not active and st.button("Measure the yardsticks", type="primary"):
        scores.start("noise", card, rules)
        st.rerun()
    st.stop()
scores.table(rows)
scores.intervals(rows, rules)
with st.container(horizontal=True):
    for form in export.FORMATS.values():
        # What people read has the columns of a paper; what programs read has them all.
        kept = leaderboard.for_print(rows) if form.name in ("md", "latex") else rows
        text, file = export.table(kept, form.name, leaderboard.footnote(rows)), f"leaderboard-{name}-{protocol}.{form.ending}"
        key = f"lb_export_{form.name}"
        st.download_button(form.label, text, file, form.mime, on_click="ignore", key=key, icon=":material/download:")
scores.details(rows)
