"""PNG metadata: the infotext, our own lossless JSON chunk, and the XMP mark for AI-generated images.

Pure, except for reading files. Knows no row. Input is untrusted: bounded, validated, never evaluated, and no pixels are
decoded.
"""

from __future__ import annotations

import io
import json
import re
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping, Set
from pathlib import Path
from typing import BinaryIO

from PIL.PngImagePlugin import PngInfo

from storage.db.tables import to_json
from storage.metadata import xmp
from storage.metadata.policy import ALL, MetadataPolicy

OURS = "z-image-studio"  # the keyword of our own chunk (iTXt)
INFOTEXT = "parameters"  # the keyword that A1111 and compatible programs read
FORMAT = 1
SAMPLER = "Euler flow match"
TEXT_MAX = 2_000_000  # bytes of one text chunk; a prompt has at most 20,000 characters
CHUNKS_MAX = 100_000

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_TEXTS = (b"tEXt", b"iTXt", b"zTXt")
_HEAD = 33  # bytes of a PNG's signature and its first chunk
_TELLING = (*_TEXTS, b"eXIf", b"tIME")
_LENGTH = "Prompt chars"
_NEGATIVE = "Negative prompt: "
_PAIR = re.compile(r'([\w \-/]{1,100}):\s*("(?:\\.|[^\\"])*"|[^,]*)(?:,|$)')


def png_info(
    facts: Mapping[str, object], infotext: str, policy: MetadataPolicy = ALL, besides: Mapping[str, str] | None = None
) -> PngInfo:
    """The text chunks of a new PNG: `infotext` under "parameters", `facts` as JSON under our own keyword, the XMP mark.

    `policy` chooses which of them are written. `besides` are more texts by keyword.
    """
    info = PngInfo()
    if policy.infotext:
        info.add_text(INFOTEXT, infotext)  # tEXt if Latin-1 can encode it, else iTXt
    if policy.json:
        info.add_itxt(OURS, to_json({"format": FORMAT, **facts}))
    if policy.xmp:
        info.add_itxt(xmp.KEYWORD, xmp.packet(generated=True))
    for keyword, text in (besides or {}).items():
        info.add_text(keyword, text)
    return info


def read(source: Path | bytes) -> dict[str, object]:
    """Read our JSON from a PNG; empty if there is none, or its format is unknown.

    Raises ValueError for a file that is not a PNG, and OSError for an unreadable file.
    """
    return facts_in(read_texts(source).get(OURS))


def facts_in(told: str | None) -> dict[str, object]:
    """Parse our JSON from the text of its chunk; empty if its format is unknown."""
    try:
        facts = json.loads(told or "null")
    except (ValueError, RecursionError):
        return {}
    if not isinstance(facts, dict) or facts.get("format") != FORMAT:
        return {}
    return facts


def read_texts(source: Path | bytes) -> dict[str, str]:
    """All text chunks of a PNG by keyword, the first of each.

    Raises ValueError for a file that is not a PNG. See `read`.
    """
    texts: dict[str, str] = {}
    with io.BytesIO(source) if isinstance(source, bytes) else source.open("rb") as file:
        for kind, body in _text_chunks(file):
            keyword, _, rest = body.partition(b"\0")
            value = _text(kind, rest)
            if value is not None:
                texts.setdefault(keyword.decode("latin-1"), value)
    return texts


def bare(data: bytes) -> bytes:
    """A PNG without metadata: the same pixels, no text, no EXIF. Only the mark for AI-generated images stays.

    Raises ValueError for a file that is not a PNG.
    """
    rest = _filtered(data, lambda kind, keyword: kind not in _TELLING)
    if xmp.source_type(read_texts(data).get(xmp.KEYWORD, "").encode()) != xmp.GENERATED:
        return rest
    body = xmp.KEYWORD.encode() + b"\0\0\0\0\0" + xmp.packet(generated=True).encode()
    mark = struct.pack(">I", len(body)) + b"iTXt" + body + struct.pack(">I", zlib.crc32(b"iTXt" + body))
    return rest[:_HEAD] + mark + rest[_HEAD:]


def without(data: bytes, keywords: Set[str]) -> bytes:
    """A PNG without the texts of these `keywords`. Raises ValueError for a file that is not a PNG."""
    return _filtered(data, lambda kind, keyword: kind not in _TEXTS or keyword.decode("latin-1") not in keywords)


def _filtered(data: bytes, keep: Callable[[bytes, bytes], bool]) -> bytes:
    """Copy the chunks of a PNG for which `keep(kind, keyword)` is true."""
    if data[:8] != _SIGNATURE:
        raise ValueError("This file is no PNG.")
    kept, at = [_SIGNATURE], 8
    while at + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        if keep(kind, data[at + 8 : at + 8 + min(length, 80)].partition(b"\0")[0]):
            kept.append(data[at:end])
        at = end
    return b"".join(kept)


def _text_chunks(file: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    if file.read(8) != _SIGNATURE:
        raise ValueError("This file is no PNG.")
    for _ in range(CHUNKS_MAX):
        header = file.read(8)
        if len(header) < 8:
            return
        length, kind = struct.unpack(">I4s", header)
        if kind == b"IEND":
            return
        if kind in _TEXTS and length <= TEXT_MAX:
            yield kind, file.read(length)
            file.seek(4, io.SEEK_CUR)  # its checksum
        else:
            file.seek(length + 4, io.SEEK_CUR)


def _text(kind: bytes, rest: bytes) -> str | None:
    """The text of a chunk after its keyword; None if it is malformed or longer than TEXT_MAX."""
    if kind == b"tEXt":
        return rest.decode("latin-1")
    packed = rest[:1] == b"\x01"
    if kind == b"zTXt":
        packed, rest = True, rest[1:]
    elif len(rest) < 2 or rest.count(b"\0", 2) < 2:
        return None
    else:
        rest = rest[2:].split(b"\0", 2)[2]
    if packed:
        unpack = zlib.decompressobj()
        try:
            rest = unpack.decompress(rest, TEXT_MAX)
        except zlib.error:
            return None
        if unpack.unconsumed_tail:
            return None
    try:
        return rest.decode("latin-1" if kind == b"zTXt" else "utf-8")
    except UnicodeDecodeError:
        return None


def write_infotext(prompt: str, negative_prompt: str, settings: Mapping[str, object]) -> str:
    """Format an infotext: the prompt, the negative prompt if any, and a last line of settings.

    If the prompt has a line "Negative prompt:", the last line also holds the prompt's length. Our reader uses it, and
    others ignore it.
    """
    head = prompt + (f"\n{_NEGATIVE}{negative_prompt}" if negative_prompt else "")
    pairs = {name: str(value) for name, value in settings.items()}
    if _part(head, None) != (prompt, negative_prompt):
        pairs[_LENGTH] = str(len(prompt))
    return head + "\n" + ", ".join(f"{name}: {_quote(value)}" for name, value in pairs.items())


def parse_infotext(text: str) -> dict[str, str]:
    """Parse an infotext into "Prompt", "Negative prompt" and its settings by name, all texts.

    A text that is not an infotext is a prompt.
    """
    head, _, last = text.rpartition("\n")
    pairs: dict[str, str] = {}
    if last.startswith("Steps: "):
        pairs = {name.strip(): _unquote(value) for name, value in _PAIR.findall(last)}
    else:
        head = text
    length = pairs.pop(_LENGTH, "")
    prompt, negative = _part(head, int(length) if re.fullmatch(r"[0-9]{1,9}", length) else None)
    return {**pairs, "Prompt": prompt, "Negative prompt": negative}


def _part(head: str, length: int | None) -> tuple[str, str]:
    """Split prompt and negative prompt before the last line."""
    if length is not None and length <= len(head):
        return head[:length], head[length:].removeprefix(f"\n{_NEGATIVE}")
    before, mark, negative = f"\n{head}".partition(f"\n{_NEGATIVE}")
    return (before[1:], negative) if mark else (head, "")


def _quote(value: str) -> str:
    plain = value == value.strip() and not any(c in value for c in ',:\n\r"')
    return value if plain else json.dumps(value, ensure_ascii=False)


def _unquote(value: str) -> str:
    if value.startswith('"'):
        try:
            found = json.loads(value)
        except ValueError:
            return value
        return found if isinstance(found, str) else value
    return value.strip()
