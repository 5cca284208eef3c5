"""What the product does, and its face: use cases, the worker, the engine, the web routes and the page.

Importing it does nothing: no torch, no gradio, no folder, no database.
"""

from __future__ import annotations

__version__ = "0.1.0"
