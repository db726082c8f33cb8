"""Fidelio's core: evaluate and compare small-image generative models. Start at `types.py`; nothing here imports Streamlit
except `core.ui`."""
