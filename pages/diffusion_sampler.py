"""Diffusion Sampler: choose a model and a sampler, watch noise become images, then step back through the way."""

import streamlit as st

from core import generate, models
from core.configs import DDPMConfig
from core.jobs import standby
from core.ui import components, costing, drawn, running, sampler, training_live

components.heading("Diffusion Sampler", "Watch a diffusion model turn noise into images, and step back through the way it took.")

# Choose
trained = [m for m in models.cards() if m.family == "ddpm"]
if not trained:
    active = [j for j in running.jobs.active("train") if j.argv[3] == "ddpm"]
    if active:
        st.write("A diffusion model is being trained; it appears here by itself.")
        training_live.watch(active)
        st.stop()
    components.empty(
        "No diffusion model is trained yet",
        "A compact DDPM on the bundled petals takes about a quarter of an hour on two CPU cores.",
    )
    first = DDPMConfig(dataset="petals", steps=1500)
    components.command(first)
    if st.button("Train a DDPM on petals", type="primary"):
        running.start(first, "Train DDPM on petals")
        st.rerun()
    components.link("baselines", "Choose other settings on Baselines")
    st.stop()

# Imports the libraries while the person still chooses.
standby.warm(running.HEAVY)
c = sampler.choose(trained)
wanted = [c, *sampler.beside(c, trained)]
components.command(c)

# Ask
started = {w: running.of(w) for w in wanted}
recorded = {w: way for w in wanted if (way := generate.recording(w)) is not None}
missing = [w for w in wanted if w not in recorded]
busy = any(j is not None and j.active for w, j in started.items() if w in missing)
if st.button("Draw", type="primary", disabled=not missing or busy, shortcut="Ctrl+Enter"):
    started |= {w: running.start_warm(w, f"Sample {sampler.name(w)}") for w in missing}

# Show
now = [j.id for w in missing if (j := started[w]) is not None and j.active]
if now:
    running.watch(now, sampler.live, every=0.5)
for w in missing:
    job = started[w]
    if job is not None and job.error:
        running.failure(job)
    elif job is not None and job.state == "cancelled":
        st.info(f"The drawing of {sampler.name(w)} was cancelled; press Draw to start it again.", icon=":material/cancel:")
if recorded:
    drawn.trajectories([(w, recorded[w]) for w in wanted if w in recorded])
elif not any(started.values()):
    components.empty("Nothing is drawn with these settings yet", "Press Draw: the picture updates while the model denoises.")
costing.panel(c, drawn.trained_on(c))
costing.published(c)
