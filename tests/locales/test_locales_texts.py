"""The texts of all languages: none missing, none unused, the same placeholders, and each error's values in its sentence."""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import locales
from locales import DEFAULT, LANGUAGES, InvalidValue, Localized, LocalizedError, for_page, load, text

ROOT = Path(__file__).resolve().parents[2]
OTHERS = [name for name in LANGUAGES if name != DEFAULT]
PLACEHOLDER = re.compile(r"\{(\w+)[|}]")
PROMPTS = {f"example_{n}" for n in range(1, 5)}  # prompts, in whatever language they are
MADE = {
    "Localized": "",
    "note": "note.",
    "_reason": "reason.adapter_",
    "_bad": "rule.",
    "refused": "rule.",
    "IncompatibleAdapter": "reason.adapter_",
}
"""Calls that make a message, and what their first text is below."""
RULES = {"InvalidRequest": "rule.", "BadValue": "rule.", "matching": "rule.", "_bad": "rule."}
"""Calls whose second text is a rule."""
NAMES_ITSELF = {"NotAPicture": {"name"}}
SKIPPED = {
    "QueueFull", "NotFound", "BadCursor", "NotWritten", "UnknownDatabase", "Damaged", "StorageInUse", "LockedDatabase",
    "NewerDatabase",
}  # fmt: skip
"""Errors that make their code themselves."""


def placeholders(key: str, language: str = DEFAULT) -> set[str]:
    return set(PLACEHOLDER.findall(load(language)[key]))


@cache
def modules() -> list[tuple[Path, ast.Module]]:
    folders = ("studio", "enhancer", "storage", "locales")
    paths = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    return [(path, ast.parse(path.read_text("utf-8"))) for path in paths]


@cache
def error_classes() -> set[str]:
    """The names of all classes below LocalizedError."""
    known = {"LocalizedError", "InvalidValue"}
    bases = {
        node.name: {getattr(base, "id", getattr(base, "attr", "")) for base in node.bases}
        for _, tree in modules() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)
    }  # fmt: skip
    while found := {name for name, of in bases.items() if of & known} - known:
        known |= found
    return known


def strings(node: ast.expr) -> Iterator[str]:
    """The constant texts that an argument can have."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from strings(node.body)
        yield from strings(node.orelse)


def messages() -> Iterator[tuple[str, str, set[str]]]:
    """Where each message is made, its key, and the names of its values."""
    for path, tree in modules():
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            name = getattr(call.func, "id", getattr(call.func, "attr", ""))
            values = {keyword.arg or "**" for keyword in call.keywords}
            where = f"{path.relative_to(ROOT)}:{call.lineno}"
            at, below = 0, MADE.get(name)
            if name in RULES:
                at, below = 1, RULES[name]
            elif name in error_classes() - SKIPPED and name not in MADE:
                at, below = (1 if name == "NotAPicture" else 0), "error."
            if below is None or len(call.args) <= at:
                continue
            for key in strings(call.args[at]):
                yield where, below + key, values | NAMES_ITSELF.get(name, set())


@pytest.mark.parametrize("language", OTHERS)
def test_each_language_has_the_same_texts(language: str) -> None:
    assert set(load(DEFAULT)) - PROMPTS == {key for key in load(language) if not key.startswith("parameter.")} - PROMPTS


@pytest.mark.parametrize("language", OTHERS)
def test_translations_use_only_placeholders_of_the_original(language: str) -> None:
    for key in load(DEFAULT):
        if key not in PROMPTS:
            assert placeholders(key, language) <= placeholders(key) | {"parameter"}, key


def test_texts_do_not_shout() -> None:
    for language in LANGUAGES:
        assert [key for key, value in load(language).items() if set("!！") & set(value)] == []


def test_every_message_has_a_text_and_gives_the_values_that_the_text_shows() -> None:
    found = list(messages())
    assert len(found) > 250
    for where, key, values in found:
        assert key in load(DEFAULT), f"{where}: no text {key}"
        missing = placeholders(key) - values - ({"**"} & values and placeholders(key))
        assert not missing, f"{where}: {key} lacks {missing}"


def test_no_text_is_unused() -> None:
    made = {key for _, key, _ in messages()}
    python = "\n".join(path.read_text("utf-8") for path, _ in modules())
    scripts = "\n".join(path.read_text("utf-8") for path in sorted((ROOT / "studio/ui/assets").rglob("*.js")))
    written = set(re.findall(r"""["'`]([\w.]+)["'`]""", python + scripts))
    beginnings = {part for part in re.findall(r"""["'`]([\w.]+[._])(?:\{|\$\{)""", python + scripts)}
    unused = [
        key for key in load(DEFAULT)
        if key not in made | written and not key.startswith("parameter.") and not any(key.startswith(part) for part in beginnings)
        and not any(key == f"error.{word}" or key == f"rule.{word}" for word in written)
    ]  # fmt: skip
    assert unused == []


def test_values_are_filled_in() -> None:
    assert text("seed_n", n=7) == "seed 7"
    assert text("tokens", "zh", n=3, most=512) == "3 / 512 词元"
    assert (
        text("error.picture_too_large", most=10_000_000, n=3) == "A picture may have at most 10,000,000 bytes (got 3)."
    )
    with pytest.raises(KeyError):
        text("no such text")


def test_a_message_is_its_english_sentence_and_can_be_shown_in_another_language() -> None:
    error = InvalidValue("width", "multiple_of", 1000, step=16)
    assert str(error) == error.message == "width must be a multiple of 16 (got 1000)."
    assert error.message.in_language("zh") == "宽必须是 16 的倍数（现为 1000）。"
    assert (error.name, error.code, error.rule) == ("width", "invalid", "must be a multiple of 16")


def test_messages_survive_copies_and_json() -> None:
    inner = LocalizedError("answer_no_prompt").message
    outer = LocalizedError("enhancement_failed", why=inner).message
    for twin in (copy.deepcopy(outer), Localized.from_json(outer.to_json())):
        assert isinstance(twin, Localized) and twin == outer
        assert twin.in_language("zh") == outer.in_language("zh") and "模型" in twin.in_language("zh")
    assert for_page([{"why": outer, "n": 1}]) == [{"why": outer.to_json(), "n": 1}]
    assert Localized.from_json({"key": "error.gone", "values": {}, "text": "As it was."}) == "As it was."
    assert Localized.from_json("plain") == "plain"


@pytest.mark.parametrize(
    ("header", "language"),
    [("", "en"), ("zh-CN,zh;q=0.9", "zh"), ("fr, en;q=0.5", "en"), ("xx", "en"), ("de,zh-TW", "zh")],
)
def test_the_language_of_a_request_is_the_first_that_exists(header: str, language: str) -> None:
    assert locales.accepted_language(header) == language
