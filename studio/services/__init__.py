"""Use cases, each on behalf of an owner. No Gradio, no HTTP, no torch."""
