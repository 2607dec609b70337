"""What Streamlit is told to run; a folder of its own, because beside a folder "pages" it finds pages by itself."""
