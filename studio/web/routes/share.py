"""The share page: one picture for anybody with the link.

Jinja fills `share.html` with everything escaped. The page runs no script and contacts no other host. Unknown, expired and
revoked links get the same 404. Knows no owner.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from locales import shorten
from storage.metadata import writer
from storage.records import Picture
from studio.errors import StudioError
from studio.studio import Studio
from studio.web.routes.media import ID

HERE = Path(__file__).resolve().parent
TITLE_MAX, DESCRIPTION_MAX = 70, 200  # characters that link previews show
WORDS: dict[str, dict[str, str]] = {
    "en": {
        "drawn_prompt": "What is drawn",
        "asked": "What was asked",
        "model": "Model",
        "size": "Size",
        "seed": "Seed",
        "steps": "Steps",
        "guidance": "Guidance",
        "drawn": "Drawn",
        "date": "{0:%d} {0:%B} {0:%Y}",
        "download": "Download the picture",
        "nothing": "Nothing here",
        "missing": "There is no picture behind this link.",
        "why": "It may have been taken back, or its time is over.",
    },
    "zh": {
        "drawn_prompt": "画的内容",
        "asked": "原来的提示",
        "model": "模型",
        "size": "尺寸",
        "seed": "种子",
        "steps": "步数",
        "guidance": "引导",
        "drawn": "绘制日期",
        "date": "{0.year}年{0.month}月{0.day}日",
        "download": "下载图片",
        "nothing": "没有图片",
        "missing": "这个链接没有对应的图片。",
        "why": "它可能已被收回，或已过期。",
    },
}  # visitors have chosen no language here: use the browser's


class Pages:
    """Renders the template, which is read once."""

    def __init__(self) -> None:
        style = (HERE / "share.css").read_text("utf-8")
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        environment = Environment(loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined)
        environment.globals["style"] = Markup(style)  # our own file; everything else is escaped
        self._template = environment.get_template("share.html")
        self._headers = {
            "Cache-Control": "no-store",
            "Vary": "Accept-Language",
            "X-Robots-Tag": "noindex, nofollow",
            "Content-Security-Policy": f"default-src 'none'; img-src 'self' data:; style-src 'sha256-{digest}'; base-uri 'none'; "
            "form-action 'none'; frame-ancestors 'none'",
        }

    def shared(self, found: Picture, title: str, url: str, language: str) -> Response:
        """The page of a picture. `url` is its absolute address, `title` the checkpoint's."""
        say = WORDS[language]
        facts = {
            say["model"]: title,
            say["size"]: f"{found.width} × {found.height}",
            say["seed"]: str(found.seed),
            say["steps"]: str(found.steps),
            say["guidance"]: f"{found.guidance:g}",
            say["drawn"]: say["date"].format(found.created_at),
        }
        return self._page(
            200,
            language,
            picture=found,
            name=shorten(found.original_prompt, TITLE_MAX).split("… (")[0],
            description=shorten(found.prompt, DESCRIPTION_MAX).split("… (")[0],
            facts=facts,
            url=url,
            image=f"{url}/picture.png",
        )

    def missing(self, language: str) -> Response:
        """The page for an invalid link."""
        return self._page(404, language, picture=None)

    def _page(self, status: int, language: str, **values: object) -> Response:
        text = self._template.render(say=WORDS[language], language=language, **values)
        return HTMLResponse(text, status, self._headers)


def routes(studio: Studio) -> list[BaseRoute]:
    """The routes under /s."""
    pages = Pages()

    def resolve(request: Request) -> tuple[Picture, Path] | None:
        token = request.path_params["token"]
        if not ID.fullmatch(token):
            return None
        try:
            found, path = studio.sharing.get(token)
        except StudioError:
            return None
        return (found, path) if path.is_file() else None

    def page(request: Request) -> Response:
        resolved = resolve(request)
        if resolved is None:
            return pages.missing(_language(request))
        url = f"{request.state.base_url}/s/{request.path_params['token']}"
        return pages.shared(resolved[0], _title(studio, resolved[0].checkpoint), url, _language(request))

    def picture(request: Request) -> Response:
        resolved = resolve(request)
        headers = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex, nofollow"}
        if resolved is None:
            return PlainTextResponse("Not found.", 404, headers)
        headers["Cross-Origin-Resource-Policy"] = "cross-origin"  # link previews are shown on other sites
        # Only the pixels and the AI-generated mark are shared. The reasoning and the environment in the file
        # belong to the owner.
        return Response(writer.bare(resolved[1].read_bytes()), media_type="image/png", headers=headers)

    def nothing(request: Request) -> Response:
        return pages.missing(_language(request))

    return [
        Route("/s/{token}", page, methods=["GET"]),
        Route("/s/{token}/picture.png", picture, methods=["GET"]),
        Route("/s/{rest:path}", nothing, methods=["GET"]),
    ]


def _language(request: Request) -> str:
    """The first supported language of the browser's list."""
    first = request.headers.get("accept-language", "").split(",")[0].strip().lower()
    return "zh" if first.split(";")[0].split("-")[0] == "zh" else "en"


def _title(studio: Studio, checkpoint: str) -> str:
    """A checkpoint's display name. Of a folder only its last part, since the path is private."""
    try:
        return studio.checkpoints.get(checkpoint).title
    except StudioError:
        return Path(checkpoint).name
