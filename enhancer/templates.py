"""The words that are put to a model before a wish: plain text files in `templates/`, one a language, for a writer to edit.

Nothing is substituted in them and there is no template syntax, so braces, percent signs and marks of a chat format in a
wish stay what they are: the wish is a message of its own. Knows no model and no answer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Literal

from enhancer.contract import Message

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")

_FOLDER = Path(__file__).with_name("templates")
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_QUOTED = re.compile(r"\"[^\"]*\"|“[^”]*”|「[^」]*」|『[^』]*』|《[^》]*》|‘[^’]*’")
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af]")
_WORD = re.compile(r"[^\W\d_\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af]+")


@dataclass(frozen=True, kw_only=True)
class Template:
    """A template in one language. `version` is 12 hex digits that change with every change of the text."""

    name: str
    language: Language
    text: str
    version: str


def names() -> tuple[str, ...]:
    """Names of the templates that are there in every language, in alphabetical order."""
    found = [{path.name.split(".")[0] for path in _FOLDER.glob(f"*.{language}.txt")} for language in LANGUAGES]
    return tuple(sorted(set.intersection(*found)))


def load(name: str, language: Language) -> Template:
    """Reads a template; white space around it does not count. ValueError where there is none of that name and language."""
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"A template's name is 1 to 40 small letters, digits, hyphens and underscores (got {name[:60]!r})."
        )
    if language not in LANGUAGES:
        raise ValueError(f"A template's language is one of {', '.join(LANGUAGES)} (got {language!r}).")
    path = _FOLDER / f"{name}.{language}.txt"
    if not path.is_file():
        raise ValueError(f"There is no template {name!r} in {language!r}; there are: {', '.join(names())}.")
    text = path.read_text(encoding="utf-8").strip()
    return Template(name=name, language=language, text=text, version=sha256(text.encode()).hexdigest()[:12])


def messages(template: Template, wish: str) -> list[Message]:
    """What is put to the model: the template as the system's message, the wish, letter for letter, as the user's."""
    return [{"role": "system", "content": template.text}, {"role": "user", "content": wish}]


REPAIR: dict[Language, str] = {
    "en": (
        "Your prompt has lost something that the wish names, or tells another number of it. Write the whole answer again, with the same "
        "five headings, and keep these as the wish says them, quoted text letter for letter:"
    ),
    "zh": (
        "你写的提示词丢掉了愿望里点名的内容，或写错了数目。请把整个回答重写一遍，五个标题不变，"
        "并按愿望原样保留下面这些，引号里的文字一字不差："
    ),
}
"""What is said to a model whose prompt lost something; below it stands what, one a line."""


def repair(template: Template, wish: str, answer: str, lost: list[str]) -> list[Message]:
    """What is put to the model once more: all that was said, its own answer, and what that lost."""
    said = "\n".join([REPAIR[template.language], *(f"- {one}" for one in lost)])
    return [*messages(template, wish), {"role": "assistant", "content": answer}, {"role": "user", "content": said}]


def language(wish: str) -> Language:
    """The language to answer a wish in: "zh" where it has Chinese characters, and at least as many as words in other scripts.

    Text inside quotation marks does not count (a poster with a Chinese title may be asked for in English), unless the
    wish is nothing else.
    """
    bare = _QUOTED.sub(" ", wish)
    for text in (bare, wish):
        han, words = len(_HAN.findall(text)), len(_WORD.findall(text))
        if han or words:
            return "zh" if han >= max(words, 1) else "en"
    return "en"
