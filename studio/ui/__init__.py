"""The Gradio page: its shell and one module a room. The only importer of gradio."""
