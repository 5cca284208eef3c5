"""The studio: domain, services, worker, engine, web routes, page and commands.

Importing it does nothing: no torch, no gradio, no folder, no database.
"""

from __future__ import annotations

__version__ = "0.2.0"
