"""Baselines: real images, noise, a Gaussian and the VAEs side by side; start a training, watch it, keep its models in order."""

import streamlit as st

from core import jobs
from core.ui import baseline_samples, components, latents, model_store, trained, training, training_live

components.heading("Baselines", "The simple models that a better one has to beat, and the place to train your own.")

# Choose
name = components.dataset_choice("bl_dataset")

# Ask
card = components.prepared(name)
if card is None:
    st.stop()

# Show
st.subheader("Side by side", anchor=False)
vae = baseline_samples.side_by_side(card)
if vae is not None:
    latents.panel(card, vae)

st.subheader("Train a model", anchor=False)
started = training.form(card)
if started is not None:
    st.toast(f"{started.title} has started")

trainings = jobs.every("train")
active = [j for j in trainings if j.active]
if active:
    st.subheader("Running", anchor=False)
    training_live.watch(active)
ended = [j for j in trainings if not j.active and f"--dataset={name}" in j.argv]
if ended:
    st.subheader("Finished", anchor=False)
    trained.show(ended)

st.subheader("Models", anchor=False)
model_store.panel(card)
