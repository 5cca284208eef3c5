"""The template files, the messages made with them, and in which language a wish is answered."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from enhancer import templates
from enhancer.headings import SECTIONS
from enhancer.parser import Parser
from pocket.dialogues import system_message

steady = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

ALL = [(name, language) for name in templates.names() for language in templates.LANGUAGES]


def test_the_templates_that_the_checkpoints_want_are_there_in_both_languages() -> None:
    assert {"chain", "pocket"} <= set(templates.names())


@pytest.mark.parametrize(("name", "language"), ALL)
def test_a_template_has_a_text_and_a_version_of_it(name: str, language: templates.Language) -> None:
    template = templates.load(name, language)
    assert template.text == template.text.strip() != ""
    assert len(template.version) == 12
    assert set(template.version) <= set("0123456789abcdef")


def test_versions_tell_texts_apart() -> None:
    assert len({templates.load(*one).version for one in ALL}) == len(ALL)


@pytest.mark.parametrize("language", templates.LANGUAGES)
def test_the_worked_example_is_what_the_parser_wants(language: templates.Language) -> None:
    text = templates.load("chain", language).text
    assert [text.count(f"\n## {section}\n") for section in SECTIONS] == [2] * 5, "once to explain, once as an example"
    parser = Parser()
    parser.feed(text[text.rindex("## keep") :])
    reading = parser.finish()
    assert all(reading.texts)
    for quoted in ("Sunrise", "Closed on Mondays") if language == "en" else ("日出", "星期一休息"):
        assert f'"{quoted}"' in reading.texts[3]
        assert f'"{quoted}"' in reading.prompt


@pytest.mark.parametrize("language", templates.LANGUAGES)
def test_the_small_model_is_asked_with_the_words_it_was_trained_on(language: templates.Language) -> None:
    assert templates.load("pocket", language).text == system_message(language)


@steady
@given(st.text())
def test_a_wish_is_a_message_of_its_own_letter_for_letter(wish: str) -> None:
    template = templates.load("chain", "en")
    assert templates.messages(template, wish) == [
        {"role": "system", "content": template.text},
        {"role": "user", "content": wish},
    ]


@pytest.mark.parametrize(
    "name", ["", "../secrets", "chain.en", "a/b", "Chain", "nothing", "chain\n", "a" * 41, "chäin"]
)
def test_only_names_of_templates_are_loaded(name: str) -> None:
    with pytest.raises(ValueError, match="template"):
        templates.load(name, "en")


def test_only_languages_of_templates_are_loaded() -> None:
    with pytest.raises(ValueError, match="en, zh"):
        templates.load("chain", "fr")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wish", "language"),
    [
        ("three rabbits on a purple background", "en"),
        ("三只兔子，紫色背景", "zh"),
        ("兔子", "zh"),
        ("画一只 cat", "zh"),
        ("a poster that says “恭喜发财，万事如意” in gold", "en"),
        ('一张海报，写着 "Happy New Year to all of you"', "zh"),
        ('"恭喜发财"', "zh"),
        ('"hello"', "en"),
        ("a 龙 over a castle", "en"),
        ("un château sous la neige", "en"),
        ("", "en"),
        ("12 + 3", "en"),
        ("\U00020000", "zh"),
    ],
)
def test_a_wish_is_answered_in_its_own_language(wish: str, language: str) -> None:
    assert templates.language(wish) == language


@steady
@given(st.text())
def test_any_wish_has_a_language(wish: str) -> None:
    assert templates.language(wish) in templates.LANGUAGES
