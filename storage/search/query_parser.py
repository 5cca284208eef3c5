"""Query parsing: text to index tokens, and typed queries to FTS5 expressions. Pure: knows no table and no session.

Chinese, Japanese, Korean and symbols are indexed by character, so that a word of one or two characters is found as a
phrase. Other text is indexed by word, without case and accents. Typed text never becomes FTS5 syntax: it is tokenized and
quoted. `filters` parses filters.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timezone, tzinfo

from storage.errors import BadQuery
from storage.search import filters

QUERY_MAX = 1_000  # characters
COUNT_CAP = 1_000  # counted hits

_TERM = re.compile(
    rf'(-*)(?:({"|".join(filters.NAMES)}):(?:"([^"]*)"?|([^\s"]*))|"([^"]*)("?)|([^\s"]+))', re.IGNORECASE
)
_BY_CHARACTER = re.compile(
    "[\u2e80-\u2fdf\u3005-\u3007\u3040-\u30ff\u3100-\u312f\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\U00016fe0-\U00018dff\U0001aff0-\U0001b16f\U00020000-\U0003ffff]"
)
_COLUMNS = "{prompt original negative reasoning tags note}"
Expand = Callable[[str], Sequence[str] | None]
"""The words of the index that begin with a text, a few at most; None where they are too many to be named."""


def fold(text: str) -> str:
    """`text` without case, accents and compatibility variants (full width, ligatures)."""
    parts = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    # Only the accents of European scripts. In others the marks are letters, such as the two dots of Japanese
    # and the parts of Korean syllables.
    return unicodedata.normalize("NFC", "".join(c for c in parts if not "\u0300" <= c <= "\u036f"))


def tokens(text: str) -> Iterator[str]:
    """The folded words of `text`. Each character of Chinese, Japanese, Korean and each symbol is a word."""
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
    """`text` in the form of the index: tokens separated by spaces."""
    return " ".join(tokens(text))


def owner_token(owner: str, *, trash: bool = False) -> str:
    """The owner as an index token, so that a search reads only their rows. The trash has another token.

    It is not a secret and not reversible.
    """
    return ("t" if trash else "o") + hashlib.sha256(owner.encode()).hexdigest()[:32]


@dataclass(frozen=True, kw_only=True)
class Term:
    """Consecutive words. With `prefix` the last one is a prefix."""

    words: tuple[str, ...]
    prefix: bool = False


@dataclass(kw_only=True)
class Query:
    """A parsed query. `collections` are typed names; the caller that knows their ids adds `tokens`."""

    wanted: list[Term] = field(default_factory=list)
    unwanted: list[Term] = field(default_factory=list)
    all_of: list[filters.Filter] = field(default_factory=list)
    none_of: list[filters.Filter] = field(default_factory=list)
    collections: list[tuple[str, bool]] = field(default_factory=list)  # a name, and whether it is wanted or excluded
    low: int = 0  # keys from here on
    high: int | None = None  # and below this one

    @property
    def empty(self) -> bool:
        """Whether the query matches everything, or everything within a time."""
        return not (self.wanted or self.unwanted or self.all_of or self.none_of or self.collections)

    def add(self, found: filters.Filter, wanted: bool) -> None:
        """Add what a filter looks for, or excludes."""
        if found.collection is not None:
            self.collections.append((found.collection, wanted))
        elif found.tokens:
            (self.all_of if wanted else self.none_of).append(found)
        elif wanted:
            self.low = max(self.low, found.low or 0)
            self._below(found.high)
        elif found.low is not None and found.high is not None:
            raise BadQuery("on_negated")
        elif found.low is not None:
            self._below(found.low)
        else:
            self.low = max(self.low, found.high or 0)

    def _below(self, key: int | None) -> None:
        if key is not None:
            self.high = key if self.high is None else min(self.high, key)


def parse(query: str, zone: tzinfo = timezone.utc) -> Query:
    """Parse a typed query.

    Every word must occur as a prefix. Text in double quotes occurs literally. A minus excludes. Days are those of `zone`.
    Raises BadQuery for more than QUERY_MAX characters and for invalid filters.
    """
    if not isinstance(query, str):
        raise BadQuery("query_text")
    if len(query) > QUERY_MAX:
        raise BadQuery("query_too_long", most=QUERY_MAX, n=len(query))
    found = Query()
    for match in _TERM.finditer(query):
        minus, name, named, bare, quoted, closed, plain = match.groups()
        if name:
            one = filters.read(name.lower(), " ".join(fold(bare if named is None else named).split()), zone)
            if one is not None:
                found.add(one, not minus)
            continue
        words = tuple(tokens(plain if quoted is None else quoted))
        if words:
            (found.unwanted if minus else found.wanted).append(Term(words=words, prefix=not closed))
    return found


def expression(owner: str, query: Query, expand: Expand, *, trash: bool = False) -> str:
    """The query as an FTS5 expression over this owner's rows."""
    wanted = [f"{_COLUMNS} : {_term(term, expand)}" for term in query.wanted]
    wanted += [f"facts : {_filter(one, expand)}" for one in query.all_of]
    found_in = " AND ".join([f'owner : "{owner_token(owner, trash=trash)}"', *wanted])
    unwanted = [f"({_COLUMNS} : {_term(term, expand)})" for term in query.unwanted]
    unwanted += [f"(facts : {_filter(one, expand)})" for one in query.none_of]
    # One NOT over all excluded terms: FTS5 nests chained NOTs and limits the depth.
    return f"({found_in}) NOT ({' OR '.join(unwanted)})" if unwanted else found_in


def _term(term: Term, expand: Expand) -> str:
    *before, last = term.words
    # Our tokens contain no quote and no space: only letters, digits, marks or one symbol.
    alone = len(last) == 1 and not last.isascii()
    if not term.prefix or alone:
        return _phrase(term.words)
    ends = expand(last)
    if ends is None:
        return f"{_phrase(term.words)} *"
    return _any([_phrase((*before, end)) for end in ends or [last]])


def _filter(one: filters.Filter, expand: Expand) -> str:
    if not one.prefix:
        return _any([_phrase((token,)) for token in one.tokens])
    *others, last = one.tokens
    ends = expand(last)
    return f"{_phrase((last,))} *" if ends is None else _any([_phrase((end,)) for end in [*others, *(ends or [last])]])


def _any(phrases: Sequence[str]) -> str:
    return phrases[0] if len(phrases) == 1 else f"({' OR '.join(phrases)})"


def _phrase(words: Sequence[str]) -> str:
    return '"' + " ".join(words) + '"'
