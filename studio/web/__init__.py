"""The web layer beside the Gradio page: routes, middleware and owner identity.

Starlette only. Knows the use cases of `studio.studio` and no gradio, no torch and no database.
"""
