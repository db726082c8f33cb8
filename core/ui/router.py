"""The script behind Home.py: page frame, navigation, the running jobs, and one place that shows errors as sentences."""

import streamlit as st

from core import paths, store
from core.ui import components, running

PAGES = {
    "overview": ("Overview", "What is here, what is running, what is best"),
    "dataset_explorer": ("Dataset Explorer", "Images and colours of a data set, split by split"),
    "baselines": ("Baselines", "Noise, a Gaussian and a VAE side by side; start a training"),
    "diffusion_sampler": ("Diffusion Sampler", "Watch a model turn noise into images, step by step"),
    "metrics_leaderboard": ("Metrics Leaderboard", "Scores with their rules and errors; evaluate and export"),
    "sweep_viewer": ("Sweep Viewer", "Which settings mattered"),
}

# Before st.navigation, and from a local file: a Material icon would be fetched from a font server.
st.set_page_config(page_title="Fidelio", page_icon=str(paths.PROJECT / "core/ui/icon.png"), layout="wide")

page = st.navigation(
    [
        st.Page(paths.PROJECT / "pages" / f"{name}.py", title=title, help=help, default=name == "overview")
        for name, (title, help) in PAGES.items()
    ]
)
st.logo(str(paths.PROJECT / "core/ui/icon.png"), size="large")
with components.friendly_errors():
    store.check_writable()
    with st.sidebar:
        running.sidebar()
    page.run()
