"""The script that Streamlit runs, once for each change of a page."""

from ui.app import main

main()
