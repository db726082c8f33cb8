"""Baselines: real images, noise, a Gaussian and the VAEs side by side; start a training and watch it."""

import streamlit as st

from core import jobs, models
from core.types import ModelCard
from core.ui import baselines, components, running

components.heading("Baselines", "The simple models that a better one has to beat, and the place to train your own.")

# Choose
name = components.dataset_choice("bl_dataset")

# Ask
card = components.prepared(name)
if card is None:
    st.stop()

# Show
st.subheader("Side by side", anchor=False)
baselines.side_by_side(card)

st.subheader("Train a model", anchor=False)
started = baselines.form(card)
if started is not None:
    st.toast(f"{started.title} has started")

trainings = jobs.every("train")
active = [j for j in trainings if j.active]
if active:
    st.subheader("Running", anchor=False)
    running.watch([j.id for j in active], running.training, every=2.0)
ended = [j for j in trainings if not j.active]
if ended:
    st.subheader("Finished", anchor=False)
    for job in ended[:5]:
        baselines.finished(job)
own: list[ModelCard] = [m for m in models.cards() if m.dataset == name]
if not own and not active:
    components.empty(
        f"No model is trained on {card.label} yet", "The form above starts a training; it goes on when this page is closed."
    )
