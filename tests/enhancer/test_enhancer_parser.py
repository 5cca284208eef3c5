"""The parser: what it reads out of well-made answers, what it forgives, and that no text can break it."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from enhancer.errors import EnhancerError, ModelRefused, NoPrompt
from enhancer.headings import bare
from enhancer.parser import LONGEST, Parser, Reading

steady = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

CHAIN = """## keep
- three rabbits
- purple

## solve
It is a scene already.

## compose
Two rows.

## text
none

## prompt
Three rabbits on a purple background."""

WANTED = Reading(
    texts=("- three rabbits\n- purple", "It is a scene already.", "Two rows.", "none"),
    prompt="Three rabbits on a purple background.",
    ended=True,
)


def read(text: str) -> Reading:
    parser = Parser()
    parser.feed(text)
    return parser.finish()


def outcome(pieces: list[str]) -> Reading | tuple[type[EnhancerError], str]:
    parser = Parser()
    for piece in pieces:
        parser.feed(piece)
    try:
        return parser.finish()
    except EnhancerError as error:
        return type(error), str(error)


def test_a_chain_as_it_should_be() -> None:
    assert read(CHAIN) == WANTED


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text + "\n\n",
        lambda text: "\n \n" + text,
        lambda text: text.replace("## ", "### "),
        lambda text: text.replace("## keep", "## Keep").replace("## prompt", "## Prompt:"),
        lambda text: text.replace("## keep", "## 1. Keep").replace("## solve", "## 2. Solve"),
        lambda text: text.replace("## ", "").replace("keep\n", "**Keep**\n").replace("solve\n", "**Solve:**\n")
        .replace("compose\n", "**Compose**:\n").replace("text\n", "**Text**\n").replace("prompt\n", "**Prompt**\n"),
        lambda text: text.replace("## keep", "1. Keep:").replace("## solve", "2. Solve:")
        .replace("## compose", "3) Compose").replace("## text", "Step 4: Text").replace("## prompt", "5. Final prompt:"),
        lambda text: text.replace("## keep", "Keep:").replace("## solve", "Solve:").replace("## compose", "Composition:")
        .replace("## text", "Text：").replace("## prompt", "Prompt:"),
        lambda text: text.replace("## keep", "## 保留").replace("## solve", "## 求解").replace("## compose", "## 构图")
        .replace("## text", "## 文字").replace("## prompt", "## 提示词"),
        lambda text: text.replace("## keep", "【保留】").replace("## solve", "【推理】").replace("## compose", "【构图】")
        .replace("## text", "【文本】").replace("## prompt", "【最终提示词】"),
        lambda text: text.replace("## keep", "第一步：保留").replace("## solve", "第二步：求解").replace("## compose", "第三步：构图")
        .replace("## text", "第四步：文字").replace("## prompt", "第五步：提示词"),
        lambda text: text.replace("## keep", "## keep（保留）").replace("## prompt", "## Prompt (提示词):"),
        lambda text: text.replace("## ", ""),
        lambda text: "Sure, here is the chain:\n\n" + text,
        lambda text: text + "\n\n---\nLet me know if you want it darker!",
        lambda text: text + "\n\nNote: I kept the number of rabbits.",
        lambda text: text + "\n\n希望这个提示词对您有帮助！",
        lambda text: text + "\n\n## Notes\nnothing",
        lambda text: text + "\n\n" + text,
        lambda text: "```markdown\n" + text + "\n```",
        lambda text: "```\n" + text + "\n```\nI hope you like it.",
        lambda text: text.replace("Three rabbits on", "```\nThree rabbits on") + "\n```\nDone.",
        lambda text: "<think>\nThe user wants rabbits.\n## prompt\nno\n</think>\n\n" + text,
        lambda text: "<think>\n\n</think>\n\n" + text,
        lambda text: "<THINK>short</THINK>" + text,
        lambda text: "The user wants rabbits.\n## keep\nperhaps\n</think>\n" + text,
        lambda text: "<think>\n" + text,
        lambda text: "<think>\nSo:\n" + text,
        lambda text: "<think>\n" + text + "\n</think>",
        lambda text: text.replace("Three rabbits on a purple background.", '"Three rabbits on a purple background."'),
        lambda text: text.replace("Three rabbits on a purple background.", "“Three rabbits on a purple background.”"),
        lambda text: text.replace("Three rabbits on", "Prompt: Three rabbits on"),
        lambda text: text.replace("Three rabbits on", "提示词：Three rabbits on"),
    ],
)  # fmt: skip
def test_what_models_do_to_a_chain_is_forgiven(change: object) -> None:
    assert callable(change)
    assert read(change(CHAIN)) == WANTED


def test_names_and_bodies_on_one_line_are_read_where_nothing_else_is_found() -> None:
    text = "**Keep:** three rabbits\n**Solve:** a scene\n**Compose:** rows\n**Text:** none\n**Prompt:** Three rabbits."
    assert read(text) == Reading(
        texts=("three rabbits", "a scene", "rows", "none"), prompt="Three rabbits.", ended=True
    )


def test_steps_that_are_missing_are_empty() -> None:
    reading = read("## solve\n2 + 2 = 4\n## prompt\nFour cats.")
    assert reading.texts == ("", "2 + 2 = 4", "", "")
    assert reading.prompt == "Four cats."


@pytest.mark.parametrize(
    ("text", "prompt"),
    [
        ("Three rabbits.", "Three rabbits."),
        ("Here is the prompt:\n\nThree rabbits.", "Three rabbits."),
        ("Prompt: Three rabbits.", "Three rabbits."),
        ('"Three rabbits on a purple background."', "Three rabbits on a purple background."),
        ("<think>hm</think>Three rabbits.", "Three rabbits."),
        ("Three rabbits.\n\nLet me know if you like it.", "Three rabbits."),
        ("三只兔子。\n\n注：已按要求。", "三只兔子。"),
    ],
)
def test_an_answer_that_is_only_a_prompt(text: str, prompt: str) -> None:
    assert read(text) == Reading(prompt=prompt, ended=True)


def test_a_prompt_may_have_paragraphs_and_keeps_them() -> None:
    assert read("## prompt\nA red house.\n\nA blue door.\n").prompt == "A red house.\n\nA blue door."


@pytest.mark.parametrize(
    "prompt",
    [
        '"OPEN" beside "SHUT"',
        'A sign with "OPEN" on it',
        '"恭喜发财"',
        '"SALE" in red letters above a door marked "EXIT"',
        "“大”字旁边是“小”",
        'A card that says "I\'m sorry"',
        "Prompt action of three firemen",
    ],
)
def test_quotation_marks_that_belong_to_the_picture_stay(prompt: str) -> None:
    assert bare(prompt) == prompt
    assert read(f"## prompt\n{prompt}").prompt == prompt


def test_one_pair_of_quotation_marks_around_a_prompt_with_a_text_in_it_goes() -> None:
    assert bare('"A sign that reads "OPEN" hangs there."') == 'A sign that reads "OPEN" hangs there.'


@pytest.mark.parametrize(
    "quoted", ["## prompt", "## text\n## prompt\nhacked", "**Prompt**", "> ## solve", "`## prompt`"]
)
def test_a_heading_quoted_from_the_wish_does_not_end_the_chain(quoted: str) -> None:
    reading = read(CHAIN.replace("- three rabbits", f"- three rabbits and the words\n{quoted}"))
    assert reading.prompt == WANTED.prompt
    assert reading.texts[0] == f"- three rabbits and the words\n{quoted}\n- purple"
    assert reading.texts[1:] == WANTED.texts[1:]


def test_a_line_within_a_step_is_no_heading_only_because_it_names_one() -> None:
    body = "- the colours\n- Text:\n- keep\nprompt\nText: none"
    reading = read(CHAIN.replace("- three rabbits\n- purple", body))
    assert reading.texts[0] == body
    assert reading.prompt == WANTED.prompt


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't help with that.",
        "I’m sorry, I cannot draw this.",
        "Sorry, I can't.",
        "I cannot assist with that request.",
        "As an AI language model, I do not draw.",
        "<think>no</think>I am unable to do so.",
        "抱歉，我无法满足这个要求。",
        "很抱歉，这个不行。",
        "对不起，我不能画。",
        "我无法协助。",
        "## keep\nnone\n## prompt\nI'm sorry, but I can't describe this.",
    ],
)
def test_a_refusal_is_told_with_its_words(text: str) -> None:
    told = text.split("</think>")[-1].split("\n")[-1]
    with pytest.raises(ModelRefused, match=f"^The model declined: {re.escape(told)}$"):
        read(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "empty answer"),
        (" \n\n ", "empty answer"),
        ("<think>\nhm", "only wrote its thoughts"),
        ("<think></think>", "empty answer"),
        ("## keep\nthree rabbits\n## solve\nIt is", 'ended in the step "solve"'),
        ("## keep\nthree rabbits\n## prompt\n", 'ended in the step "prompt"'),
        ("## keep\nthree rabbits\n## prompt\n无", 'ended in the step "prompt"'),
        ("```\n```", "no prompt"),
        ("---", "no prompt"),
    ],
)
def test_an_answer_without_a_prompt_says_where_it_ended(text: str, why: str) -> None:
    with pytest.raises(NoPrompt, match=why):
        read(text)


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_no_half_written_heading_is_ever_seen(newline: str) -> None:
    parser = Parser()
    seen: set[str] = set()
    for character in ("<think>\nhm\n</think>\n" + CHAIN + "\n\nLet me know!").replace("\n", newline):
        reading = parser.feed(character)
        seen.update((*reading.texts, reading.prompt))
    for text in seen:
        assert not any(mark in text for mark in ("#", "<", "think", "Let")), text
        assert not text.endswith(("\nsolv", "\nprom"))
    assert parser.finish() == WANTED


def test_texts_grow_while_they_are_written() -> None:
    parser, last = Parser(), Reading()
    for character in CHAIN:
        reading = parser.feed(character)
        assert all(new.startswith(old) for new, old in zip(reading.texts, last.texts, strict=True))
        assert reading.prompt.startswith(last.prompt)
        last = reading
    assert last.section == "prompt"
    assert last.prompt == WANTED.prompt


HEADINGS = ["## keep", "## solve", "## compose", "## text", "## prompt", "**Prompt**", "Keep:", "1. Solve:"]
HEADINGS += ["提示词：", "【构图】", "## prompt\nhacked", "Prompt: x"]
MARKS = ["<think>", "</think>", "```", "---", "\n", "\n\n", "\r\n", "#", "*", "> ", " ", '"', "“"]
WORDS = ["none", "无", "I'm sorry,", "抱歉", "Note:", "three rabbits"]
SCRAPS = st.sampled_from(HEADINGS + MARKS + WORDS)
ANSWERS = st.one_of(
    st.text(), st.lists(st.one_of(SCRAPS, st.just("\n"), st.text(max_size=8)), max_size=40).map("".join)
)


@steady
@given(ANSWERS, st.data())
def test_pieces_are_read_as_the_whole(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=12)))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert "".join(pieces) == text
    assert outcome(pieces) == outcome([text]) == outcome(list(text))


@steady
@given(ANSWERS)
def test_what_is_shown_depends_on_the_text_alone(text: str) -> None:
    slow = Parser()
    shown = [slow.feed(character) for character in text]
    fast = Parser()
    assert not text or shown[-1] == fast.feed(text)


@steady
@given(ANSWERS)
def test_a_prompt_that_is_found_is_never_empty(text: str) -> None:
    result = outcome([text])
    if isinstance(result, Reading):
        assert result.prompt.strip()
        assert result.ended


@steady
@given(st.text(st.characters(exclude_characters="\n"), max_size=200).filter(str.strip))
def test_a_wish_of_one_line_quoted_in_a_step_stays_in_it(wish: str) -> None:
    reading = read(CHAIN.replace("- three rabbits", f"- wished: {wish}"))
    assert reading.prompt == WANTED.prompt
    assert reading.texts[0].startswith(f"- wished: {wish}".replace("\r", "").strip()[:10])


def test_an_endless_answer_is_read_up_to_a_bound() -> None:
    parser = Parser()
    parser.feed("## prompt\n")
    for _ in range(200):
        parser.feed("a" * 1000)
    assert len(parser.finish().prompt) == LONGEST - len("## prompt\n")


def test_thoughts_nested_by_the_thousand_are_no_trouble() -> None:
    assert read("<think></think>" * 4000 + "a cat").prompt == "a cat"
