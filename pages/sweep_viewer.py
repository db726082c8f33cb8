"""Sweep Viewer: parallel coordinates of the runs of a search; which settings mattered, which run is best."""

import streamlit as st

from core import export, sweeps
from core.sweeps import Sweep
from core.ui import components, sweeping

components.heading("Sweep Viewer", "Which settings mattered: every run of a search as one line.")

# Choose
source = st.segmented_control(
    "Runs from", ["CSV file", "My trainings"], default="CSV file", required=True, key="sw_source", bind="query-params"
)

# Ask
sweep: Sweep | None = None
if source == "CSV file":
    file = st.file_uploader("A table of runs, such as W&B's export: one row a run", type="csv", key="sw_file")
    if file is None:
        components.empty(
            "No table of runs is open",
            "Choose a CSV above: a column a setting, a column a result such as val_loss. "
            "Or look at the trainings of this studio as a sweep.",
        )
        st.button("Show my trainings", type="primary", on_click=sweeping.show_own)
        st.stop()
    sweep = sweeps.read_text(file.name, file.getvalue())
else:
    groups = sweeps.trainings.groups()
    if not groups:
        components.empty(
            "No training has ended yet",
            "Each training of this studio becomes a run here, with its settings and its validation loss.",
        )
        components.link("baselines", "Start a training")
        st.stop()
    group = st.selectbox("Trainings of", groups, key="sw_group", help="Losses of different families or data sets do not compare.")
    sweep = sweeps.load(f"trainings:{group}")

# Show
sweeping.show(sweep)
rows = sweeps.frame(sweep).to_dict("records")
st.download_button(
    "Runs as CSV", export.table(rows, "csv"), f"{sweep.name}.csv", "text/csv", on_click="ignore", icon=":material/download:"
)
