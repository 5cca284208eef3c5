"""What is served beside the Gradio page: media, share pages, health; who a visitor is; the guard at the door.

Starlette only. Knows the use cases of `studio.studio` and no gradio, no torch and no database.
"""
