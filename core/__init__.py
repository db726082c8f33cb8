"""Fidelio's core: evaluate and compare small-image generative models. Start at `types.py`; nothing here imports Streamlit
except `core.ui`."""

import os

# A training shares its cores with the server, the browser and other jobs. OpenMP's threads spin by default while they wait for
# one that has lost its core: with five processes on two cores a training step took 6.6 s, and 1.5 s with waiting threads
# asleep. Read once, when torch is loaded, so it stands before every import.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
