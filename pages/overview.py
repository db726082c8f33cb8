"""Overview: the road from images to a leaderboard, how far this studio has come on it, and the next step."""

import streamlit as st

from core import datasets, jobs, leaderboard, models
from core.ui import components, content, running, scores

components.heading("Fidelio", "Evaluate and compare small-image generative models, with the rules and errors of every number.")

cards, trained, history = datasets.cards(), models.cards(), jobs.every()
rows = leaderboard.rows(None, None)

petals = components.prepared("petals")
if petals is not None:
    components.picture(content.first(petals, "train", 36, 18), "36 images of the procedural data set petals", width="stretch")
    st.caption("Petals, a procedural data set that comes with the studio: 8,000 flowers drawn by arithmetic, no download.")

STEPS = (
    (
        "dataset_explorer",
        "1 · Data",
        f"{len(cards)} data set" + "s" * (len(cards) != 1),
        "See images and colours, or add a folder of your own.",
    ),
    (
        "baselines",
        "2 · Models",
        f"{len(trained)} trained",
        "Train a VAE or a diffusion model; compare with noise and a Gaussian.",
    ),
    (
        "diffusion_sampler",
        "3 · Samples",
        f"{sum(m.family == 'ddpm' for m in trained)} to sample",
        "Watch noise become images, step by step.",
    ),
    (
        "metrics_leaderboard",
        "4 · Scores",
        f"{len(rows)} row" + "s" * (len(rows) != 1),
        "Score models under named rules; export the table.",
    ),
    ("sweep_viewer", "5 · Sweeps", "CSV or own trainings", "See which settings mattered."),
)
for column, (page, title, count, says) in zip(st.columns(len(STEPS), gap="small"), STEPS, strict=True):
    with column.container(border=True, height="stretch"):
        st.markdown(f"**{title}**")
        st.markdown(count)
        st.caption(says)
        components.link(page, "Open")

left, right = st.columns(2, gap="large")
with left:
    st.subheader("Best so far", anchor=False)
    best = scores.best_models(rows)
    if best:
        shown = [
            {"Data set": r["dataset"], "Model": r["model"], "Score": scores.with_error(r["kid"], r["kid_error"]), "n": r["n"]}
            for r in best
        ]
        st.dataframe(shown, hide_index=True)
    else:
        components.empty("No model is scored yet", "Train one on Baselines, then evaluate it on the leaderboard.")
        components.link("metrics_leaderboard", "Measure the yardsticks")
with right:
    st.subheader("Latest jobs", anchor=False)
    if history:
        shown = [
            {"Job": j.title, "State": j.state, "Took": components.duration(j.seconds), "Started": j.created_at}
            for j in history[:8]
        ]
        st.dataframe(shown, hide_index=True)
        failed = next((j for j in history[:1] if j.error), None)
        if failed:
            st.caption(f"{running.ICONS[failed.state]} {failed.error}")
    else:
        components.empty("Nothing has run yet", "Trainings, samplings and evaluations are listed here while they run and after.")
        components.link("baselines", "Start a training")
