"""The texts of the studio, one JSON file a language, and messages that become sentences where they are shown.

Keys are flat and begin with the view that shows them; `error.` and `rule.` are the sentences of errors, `parameter.` the
names of the form's fields. Python and the page's scripts read the same files. Knows nothing of pages, errors or tables.

A text contains placeholders: `{name}`, and `{name|word|words}` for the word that fits a number.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
DEFAULT = "en"
LANGUAGES = tuple(sorted((file.stem for file in FOLDER.glob("*.json")), key=lambda name: (name != DEFAULT, name)))
"""The languages, the default one first."""
_PLURAL = re.compile(r"\{(\w+)\|([^|}]*)\|([^}]*)\}")
_NAMED = re.compile(r"\{(\w+)\}")
GROUPED = 1_000  # integers from here on are written in groups of three digits

Json = str | int | float | bool | None | dict[str, "Json"] | list["Json"]


@cache
def load(language: str) -> Mapping[str, str]:
    """The texts of a language by key. Raises OSError for an unknown language."""
    found: dict[str, str] = json.loads((FOLDER / f"{language}.json").read_text("utf-8"))
    return found


def text(key: str, language: str = DEFAULT, /, **values: object) -> str:
    """The text of `key` with its placeholders filled in; in English if the language lacks it. Raises KeyError."""
    found = load(language).get(key) or load(DEFAULT)[key]
    found = _PLURAL.sub(lambda part: part[2] if values[part[1]] == 1 else part[3], found)
    return _NAMED.sub(lambda part: _written(values[part[1]], language) if part[1] in values else part[0], found)


def _written(value: object, language: str) -> str:
    if isinstance(value, Localized):
        return value.in_language(language)
    return f"{value:,}" if isinstance(value, int) and abs(value) >= GROUPED else str(value)


class Localized(str):
    """A sentence in English that remembers its key and its values, so that it can be shown in another language.

    >>> Localized("error.not_on_disk", title="Turbo").in_language("zh")
    """

    key: str
    values: Mapping[str, object]

    def __new__(cls, key: str, /, **values: object) -> Localized:
        made = super().__new__(cls, text(key, **values))
        made.key, made.values = key, values
        return made

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, object]]:
        return (self.key,), dict(self.values)  # for copies

    def in_language(self, language: str) -> str:
        """The sentence in a language. Parameters are named as the form labels them."""
        values = dict(self.values)
        if (label := f"parameter.{values.get('parameter')}") in load(language):
            values["parameter"] = load(language)[label]
        return text(self.key, language, **values)

    def to_json(self) -> dict[str, Json]:
        """The message as `{"key", "values", "text"}`; values are messages, texts or numbers."""
        values = {name: _json(value) for name, value in self.values.items()}
        return {"key": self.key, "values": values, "text": str(self)}

    @classmethod
    def from_json(cls, data: object) -> str:
        """Read `to_json` back. A key that no longer exists gives the English text."""
        if not isinstance(data, Mapping):
            return str(data)
        values = data.get("values")
        read = {name: cls.from_json(v) if isinstance(v, Mapping) else v for name, v in dict(values or {}).items()}
        try:
            return cls(str(data["key"]), **read)
        except KeyError:
            return str(data.get("text", ""))


def _json(value: object) -> Json:
    if isinstance(value, Localized):
        return value.to_json()
    return value if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


def replace_messages(value: Any, write: Callable[[Localized], object]) -> Any:
    """A JSON value in which `write` has replaced each message."""
    if isinstance(value, Localized):
        return write(value)
    if isinstance(value, Mapping):
        return {name: replace_messages(part, write) for name, part in value.items()}
    return [replace_messages(part, write) for part in value] if isinstance(value, list | tuple) else value


def for_page(value: Any) -> Any:
    """A JSON value with each message in the form that the page's scripts translate."""
    return replace_messages(value, Localized.to_json)


def accepted_language(header: str) -> str:
    """The first language of an Accept-Language header that the studio has, or the default one."""
    wanted = (part.partition(";")[0].strip().partition("-")[0].lower() for part in header.split(","))
    return next((name for name in wanted if name in LANGUAGES), DEFAULT)


class LocalizedError(Exception):
    """Base class of errors that are shown to people. `message` is the sentence, `code` its key without `error.`."""

    def __init__(self, code: str, /, **values: object) -> None:
        """`code` is a key below `error.`, or a message itself."""
        self.message = code if isinstance(code, Localized) else Localized(f"error.{code}", **values)
        super().__init__(self.message)

    @property
    def code(self) -> str:
        return self.message.key.removeprefix("error.")


class InvalidValue(LocalizedError):
    """A value breaks a rule. The message names the parameter, the rule and the value."""

    def __init__(self, parameter: str, rule: str, value: object, /, **values: object) -> None:
        """`rule` is a key below `rule.`, or a message itself."""
        self.name, self.value = parameter, value
        self.rule = rule if isinstance(rule, Localized) else Localized(f"rule.{rule}", **values)
        shown = shorten(value)
        code = "invalid_empty" if shown == shorten("") else "invalid"
        super().__init__(code, parameter=parameter, rule=self.rule, value=shown)


def shorten(value: object, limit: int = 60) -> str:
    """Format a value for a message: one line of at most `limit` characters."""
    plain = "nothing" if value is None else str(value).lower() if isinstance(value, bool) else repr(value)
    one_line = " ".join((value if isinstance(value, str) else plain).split()) or '""'
    return one_line if len(one_line) <= limit else f"{one_line[: limit - 1]}… ({len(one_line):,} characters)"


def message_of(error: BaseException) -> str:
    """What an error says: its message where it has one, so that it can be translated, else its text."""
    first = error.args[0] if error.args else ""
    return first if isinstance(first, Localized) else str(error)
