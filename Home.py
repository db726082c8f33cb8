"""`streamlit run Home.py`. The script itself is core/ui/router.py, so that Streamlit's old way with pages/ never starts."""

import streamlit as st

from core.ui import ways

app = st.App("core/ui/router.py", routes=ways.ROUTES)
