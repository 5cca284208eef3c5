"""The Gradio page and the API. The only importer of gradio."""
