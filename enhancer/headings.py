"""Line classification: headings, remarks, fences and refusals in a model's answer.

Looks at one line or one text at a time. Knows nothing of their order.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from enhancer.base import STEPS

SECTIONS = (*STEPS, "prompt")

_NAMES = {
    "keep": ("keep", "keeps", "kept", "保留", "保持", "锁定"),
    "solve": ("solve", "solved", "solution", "求解", "解题", "推理", "解答"),
    "compose": ("compose", "composition", "构图", "组成"),
    "text": ("text", "texts", "文字", "文本"),
    "prompt": ("prompt", "final prompt", "the prompt", "提示词", "提示", "最终提示词", "最终提示"),
}
_SECTION_OF = {name: section for section, names in _NAMES.items() for name in names}
# Quotation marks and ">" are not decoration: a quotation of the request is not a heading.
_DECORATION = "#*_-.:：、)）(（【】[] \t\r0123456789０１２３４５６７８９"
_LEAD = re.compile(r"^(?:step|步骤|第[一二三四五]步)[\s\d.:：、]*")
_GLOSS = re.compile(r"\s*[（(/][^（(/]{0,24}$")
_OPENINGS = (*_SECTION_OF, "step", "步骤", "第一步", "第二步", "第三步", "第四步", "第五步")
_INLINE = re.compile(
    r"^[\s#*_\d.、)）【\[-]*(?P<name>[a-z]+(?: prompt)?|[\u4e00-\u9fff]{2,5})[*_】\]]*\s*[:：][*_]*\s*(?P<body>\S.*)$",
    re.IGNORECASE,
)
_FENCE = re.compile(r"^\s*(?:```|~~~)[\w+-]*\s*$")
_RULE = re.compile(r"^\s*(?:-{3,}|\*{3,}|_{3,}|(?:- ){2,}-)\s*$")
_REMARKS = (
    "note:", "(note", "**note", "*note", "notes:", "let me know", "i hope", "hope this", "feel free", "if you ",
    "if you'", "would you like", "this prompt", "explanation:", "**explanation",
    "注：", "注:", "（注", "(注", "**注", "备注", "说明：", "说明:", "希望这", "如果您", "如果你", "如需", "以上",
)  # fmt: skip
_REFUSAL = re.compile(
    r"^(?:i[' ]?a?m (?:really |very |so |truly )?(?:sorry|afraid|unable)|sorry[,.;:]|(?:my )?apologies\b|i apologi[sz]e"
    r"|(?:unfortunately,? )?i (?:cannot|can't|can not|won't|will not|must decline|am not able)|as an? (?:ai\b|language model)"
    r"|(?:非常|很|十分)?抱歉|对不起|我(?:无法|不能|不可以)|作为(?:一个|一名)?\s?(?:ai|人工智能|语言模型))",
    re.IGNORECASE,
)
_LABEL = re.compile(
    r"^(?:\*\*)?(?:(?:(?:the )?(?:final|image) )?prompt|(?:最终)?提示词?)\s*(?:\*\*)?\s*[:：]\s*(?:\*\*)?\s*",
    re.I,
)
_QUOTES = {'"': '"', "“": "”", "「": "」", "'": "'", "‘": "’", "**": "**", "`": "`"}
_NOTHING = frozenset({"", "none", "none.", "n/a", "无", "无。", "没有"})


class Heading(NamedTuple):
    """A heading: its section, its style, and the text after it on the same line."""

    section: str
    manner: str
    body: str = ""


def heading(line: str) -> Heading | None:
    """The section of a heading line, or None. A bare word is not a heading: it needs a mark, a number or a colon."""
    stripped = line.strip()
    core = stripped.strip(_DECORATION).lower()
    name = _named(core)
    section = _SECTION_OF.get(name)
    if section is None:
        return None
    left = stripped.lower().split(name, 1)[0]
    for manner in "#*【[_":
        if manner in left:
            return Heading(section, manner)
    if _LEAD.match(core) or re.search(r"\d", left):
        return Heading(section, "1")
    return Heading(section, ":") if stripped.endswith((":", "：")) else None


def _named(core: str) -> str:
    """Remove a leading `step 1:` and a translation in brackets."""
    return _GLOSS.sub("", _LEAD.sub("", core))


def loose_heading(line: str) -> Heading | None:
    """Like `heading`, but accepts bare words and text on the same line, for answers without strict headings."""
    if found := heading(line):
        return found
    if section := _SECTION_OF.get(line.strip().lower()):
        return Heading(section, "")
    match = _INLINE.match(line)
    section = _SECTION_OF.get(match["name"].lower()) if match else None
    return Heading(section, "", match["body"]) if match and section else None


def may_become_mark(tail: str) -> bool:
    """Whether an unfinished line may become a heading, a fence, a rule or the end of a thought."""
    text = tail.strip().lower()
    core = _named(text.strip(_DECORATION))
    if not core or is_fence(text) or any(mark.startswith(text) for mark in ("```", "~~~", "</think>", "</thinking>")):
        return True
    return any(name.startswith(core) for name in _OPENINGS)


def is_fence(line: str) -> bool:
    return bool(_FENCE.match(line))


def is_rule(line: str) -> bool:
    return bool(_RULE.match(line))


def is_remark(line: str) -> bool:
    """Whether a paragraph is a remark about the prompt."""
    return line.strip().lower().startswith(_REMARKS)


def may_become_remark(tail: str) -> bool:
    text = tail.strip().lower()
    return any(remark.startswith(text) or text.startswith(remark) for remark in _REMARKS)


def is_refusal(text: str) -> bool:
    """Whether a text begins like a refusal."""
    return bool(_REFUSAL.match(text.lstrip().replace("’", "'")))


def is_nothing(text: str) -> bool:
    return text.strip().lower() in _NOTHING


def bare(prompt: str) -> str:
    """A prompt without its label and without quotation marks around the whole."""
    prompt = _LABEL.sub("", prompt.strip(), count=1).strip()
    for opening, closing in _QUOTES.items():
        inner = prompt[len(opening) : -len(closing)]
        if (
            len(inner) > 0
            and prompt.startswith(opening)
            and prompt.endswith(closing)
            and _wraps(opening, closing, inner)
        ):
            return inner.strip()
    return prompt


def _wraps(opening: str, closing: str, inner: str) -> bool:
    """Whether the marks at both ends are a pair: `"A sign that reads "OPEN" hangs."`, but not `"OPEN" beside "SHUT"`."""
    if opening != closing:
        depth = 0
        for character in inner:
            depth += (character == opening) - (character == closing)
            if depth < 0:
                return False
        return depth == 0
    parts = inner.split(opening)
    if len(parts) == 1:
        return len(inner.split()) > 3 or len(inner) > 24  # a short one is text for the picture, not a quoted prompt
    # If the marks were pairs, every second part would be a quotation, which has no white space at its ends.
    return len(parts) % 2 == 1 and any(part != part.strip() for part in parts[::2])
