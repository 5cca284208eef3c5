"""Text to tokens, and what somebody types to an expression of FTS5. Pure: knows no table and no session.

Chinese, Japanese and Korean are indexed by character, so that a word of two characters is found as a phrase,
and so is one character; emoji likewise. Everything else is indexed by word, without case and accents. What is
typed is never FTS5 syntax: it goes through the same tokens, and each is quoted.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator

from storage.errors import BadQuery

QUERY_MAX = 1_000  # characters
COUNT_CAP = 1_000  # hits that are counted

_TERM = re.compile(r'(-*)(?:"([^"]*)("?)|([^\s"]+))')
_BY_CHARACTER = re.compile(
    "[\u2e80-\u2fdf\u3005-\u3007\u3040-\u30ff\u3100-\u312f\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\U00016fe0-\U00018dff\U0001aff0-\U0001b16f\U00020000-\U0003ffff]"
)
_COLUMNS = "{prompt original negative reasoning tags}"


def fold(text: str) -> str:
    """`text` without case, accents and the variants of one character (full width, ligatures)."""
    parts = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    # Only the accents of the European scripts: in others the marks are letters (the two dots of Japanese,
    # Korean's parts).
    return unicodedata.normalize("NFC", "".join(c for c in parts if not "\u0300" <= c <= "\u036f"))


def tokens(text: str) -> Iterator[str]:
    """The words of `text`, folded; one character each in Chinese, Japanese, Korean and among symbols."""
    word = ""
    for character in fold(text):
        kind = unicodedata.category(character)
        alone = kind == "So" or _BY_CHARACTER.match(character)
        if not alone and (kind[0] in "LN" or (word and kind in ("Mn", "Mc"))):
            word += character
            continue
        if word:
            yield word
            word = ""
        if alone and (kind[0] in "LN" or kind == "So"):
            yield character
    if word:
        yield word


def indexed(text: str) -> str:
    """`text` as the index keeps it: its tokens with spaces between them."""
    return " ".join(tokens(text))


def owner_token(owner: str) -> str:
    """The owner as one token of the index, so that only their rows are walked.

    Not a secret, and not reversible.
    """
    return "o" + hashlib.sha256(owner.encode()).hexdigest()[:32]


def expression(owner: str, query: str) -> str | None:
    """What is typed as an FTS5 expression over this owner's rows; None when it holds nothing to search.

    Every word must occur, as the beginning of a word; what stands in double quotes occurs as it stands; a
    minus before either excludes what it would find. Raises BadQuery for a text longer than QUERY_MAX
    characters.
    """
    if not isinstance(query, str):
        raise BadQuery("query must be a text.")
    if len(query) > QUERY_MAX:
        raise BadQuery(f"query must have at most {QUERY_MAX:,} characters (got {len(query):,}).")
    wanted: list[str] = []
    unwanted: list[str] = []
    for match in _TERM.finditer(query):
        minus, quoted, closed, plain = match.groups()
        found = tuple(tokens(plain if quoted is None else quoted))
        if found:
            (unwanted if minus else wanted).append(_phrase(found, prefix=not closed))
    if not wanted and not unwanted:
        return None
    found_in = " AND ".join([f'owner : "{owner_token(owner)}"', *(f"{_COLUMNS} : {term}" for term in wanted)])
    # One NOT over all of them: FTS5 nests each NOT in the one before, and refuses to go deep.
    return f"({found_in}) NOT ({_COLUMNS} : ({' OR '.join(unwanted)}))" if unwanted else found_in


def _phrase(words: tuple[str, ...], *, prefix: bool) -> str:
    # A token of this module holds no quote and no space: letters, digits, marks or one symbol.
    alone = len(words[-1]) == 1 and not words[-1].isascii()
    return '"' + " ".join(words) + '"' + (" *" if prefix and not alone else "")
