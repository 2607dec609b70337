"""The web UI: Streamlit over rag_app's public names."""
