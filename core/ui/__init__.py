"""The face: the only part of core that imports streamlit."""
