"""Diffusion Sampler: choose a model and a sampler, watch noise become images, then step back through the way."""

import streamlit as st

from core import generate, models
from core.configs import DDPMConfig
from core.jobs import standby
from core.ui import components, running, sampler, training_live

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
components.command(c)

# Ask
job = running.of(c)
way = generate.recording(c)
if st.button("Draw", type="primary", disabled=way is not None or bool(job and job.active), shortcut="Ctrl+Enter"):
    job = running.start_warm(c, f"Sample {c.model}")

# Show
if way is not None:
    sampler.trajectory(c, way)
elif job is not None and job.active:
    running.watch([job.id], sampler.live, every=0.5)
elif job is not None and job.error:
    running.failure(job)
elif job is not None and job.state == "cancelled":
    st.info("The drawing was cancelled; press Draw to start it again.", icon=":material/cancel:")
else:
    components.empty("Nothing is drawn with these settings yet", "Press Draw: the picture updates while the model denoises.")
