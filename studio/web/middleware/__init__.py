"""ASGI middleware: the request guard and Gradio hardening."""
