"""The page: assembles the views, the endpoints, styles and scripts.

Each view has its own module. The endpoints are registered on the same Blocks.
"""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import gradio as gr

import locales
from enhancer import styles
from studio.engine.hub.providers import hub
from studio.settings import Settings
from studio.studio import Studio
from studio.ui import api, scripts, theme
from studio.ui.owner import base_url_of, owner_of
from studio.ui.views import create, gallery, header, picture, queue, system

FIRST = ("tokens", "base")  # style sheets that others depend on
TITLE = "Z-Image Studio"


def build(studio: Studio, *, settings: Settings) -> gr.Blocks:
    """Build the page over the use cases. Starts and loads nothing."""
    with gr.Blocks(title=TITLE, fill_width=True, analytics_enabled=False) as page:
        calls = create.calls(studio, base_url_of=base_url_of)
        header.build(calls, owner_of=owner_of, facts=_facts(studio, settings))
        with gr.Tabs(elem_id="rooms", selected="create"):
            with gr.Tab(locales.text("create"), id="create", elem_id="room-create"):
                create.build(studio, owner_of=owner_of)
            with gr.Tab(locales.text("gallery"), id="gallery", elem_id="room-gallery"):
                gallery.build(studio, owner_of=owner_of)
            with gr.Tab(locales.text("queue"), id="queue", elem_id="room-queue"):
                queue.build(studio, owner_of=owner_of)
            with gr.Tab(locales.text("machine"), id="machine", elem_id="room-machine"):
                system.build(studio, owner_of=owner_of)
        picture.build(studio, owner_of=owner_of)
        api.register(studio)
    return page


def launch_kwargs() -> dict[str, Any]:
    """Arguments for `launch`: theme, styles and scripts; Gradio's extras are off."""
    return {"theme": theme.paper(), "head": head(), "footer_links": ["api"], "run_history": False}


def head() -> str:
    """Styles and texts, inline, and the elements that load the scripts. Nothing comes from another host."""
    styles = "\n".join(path.read_text("utf-8") for path in _style_sheets())
    seal = b64encode((scripts.ASSETS / "shared" / "seal.svg").read_bytes()).decode()
    parts = (
        '<meta name="theme-color" content="#0e0e10">',
        f'<link rel="icon" type="image/svg+xml" href="data:image/svg+xml;base64,{seal}">',
        f"<style>{styles}</style>",
        f'<script type="application/json" id="texts">{_json(texts())}</script>',
        *scripts.elements(),
    )
    return "\n".join(parts)


def texts() -> dict[str, dict[str, str]]:
    """The texts of each language by key, with the titles of the styles."""
    every = (*styles.load("general"), *styles.load("pocket"))
    titles = {
        name: {
            f"style.{one.name}": title for one in every for language, title in one.titles.items() if language == name
        }
        for name in locales.LANGUAGES
    }
    return {name: {**locales.load(name), **titles[name]} for name in locales.LANGUAGES}


def _json(value: object) -> str:
    """A value as JSON for a script element. `<` is escaped, so that no text can end the element."""
    return json.dumps(value, ensure_ascii=False).replace("<", "\\u003c")


def _facts(studio: Studio, settings: Settings) -> dict[str, object]:
    """Constants for the scripts: no secrets, and the same for every visitor."""
    return {
        "can_enhance": studio.enhancement.enabled,
        "remote_model": settings.server.model if settings.enhancer == "remote" and settings.server else None,
        "can_read_pictures": studio.enhancement.captioner.open,
        "vision_model": studio.enhancement.captioner.model,
        "title": studio.checkpoints.get().title,
        "may_download": settings.owner_rule == "one",
        "hub": hub(settings.hub).title,
    }


def _style_sheets() -> list[Path]:
    """The style sheets: FIRST, then a folder a view, whose main file comes last."""

    def place(path: Path) -> tuple[int, str, bool, str]:
        view = path.parent.name
        return FIRST.index(path.stem) if path.stem in FIRST else len(FIRST), view, path.stem == view, path.stem

    return sorted(scripts.ASSETS.glob("*/*.css"), key=place)
