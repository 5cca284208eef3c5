"""XMP packets: the mark for AI-generated images, and our record in files without a better place for it.

Knows no container. Packets are written in one form. In packets of others only our properties are searched by their tags; no
XML is parsed.
"""

from __future__ import annotations

import hashlib
import re
from html import unescape
from xml.sax.saxutils import escape

KEYWORD = "XML:com.adobe.xmp"  # of the text chunk in a PNG
GENERATED = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"

_OURS = "urn:z-image-studio:1"
_IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_NOTE = "http://ns.adobe.com/xmp/note/"
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_RECORD = re.compile(rb"<zis:record>([^<]*)</zis:record>")
_SOURCE = re.compile(rb"DigitalSourceType\s*(?:>|=\s*[\"'])\s*([^<\"'\s]+)")
_EXTENDED = re.compile(rb"HasExtendedXMP\s*(?:>|=\s*[\"'])\s*([0-9A-Fa-f]{32})")
_NO_XML = re.compile("[\x7f-\x9f\ufdd0-\ufdef\ufffe\uffff]")  # only in JSON strings, which have another spelling for it


def packet(*, generated: bool, record: str | None = None, extended: str | None = None) -> str:
    """A packet with the mark if `generated`, a `record` (JSON), and the name of its extended XMP."""
    told = []
    if generated:
        told.append(f"<Iptc4xmpExt:DigitalSourceType>{GENERATED}</Iptc4xmpExt:DigitalSourceType>")
    if extended is not None:
        told.append(f"<xmpNote:HasExtendedXMP>{extended}</xmpNote:HasExtendedXMP>")
    if record is not None:
        told.append(f"<zis:record>{escape(_NO_XML.sub(_spelt, record))}</zis:record>")
    return f'<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>{_rdf("".join(told))}<?xpacket end="r"?>'


def extension(record: str) -> tuple[str, bytes]:
    """The extended XMP of a `record` that is too long for one JPEG segment: its name and its bytes."""
    data = _rdf(f"<zis:record>{escape(_NO_XML.sub(_spelt, record))}</zis:record>").encode()
    return hashlib.md5(data, usedforsecurity=False).hexdigest().upper(), data


def record_in(data: bytes) -> str | None:
    """The JSON text of our record in a packet's bytes."""
    found = _RECORD.search(data)
    return unescape(found[1].decode("utf-8", "replace")) if found else None


def source_type(data: bytes) -> str | None:
    """The IPTC digital source type in a packet's bytes."""
    found = _SOURCE.search(data)
    return found[1].decode("utf-8", "replace") if found else None


def extended_name(data: bytes) -> str | None:
    """The name of a packet's extended XMP."""
    found = _EXTENDED.search(data)
    return found[1].decode("ascii").upper() if found else None


def _rdf(told: str) -> str:
    spaces = f'xmlns:Iptc4xmpExt="{_IPTC}" xmlns:xmpNote="{_NOTE}" xmlns:zis="{_OURS}"'
    return (
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{_RDF}">'
        f'<rdf:Description rdf:about="" {spaces}>{told}</rdf:Description></rdf:RDF></x:xmpmeta>'
    )


def _spelt(character: re.Match[str]) -> str:
    return f"\\u{ord(character[0]):04x}"
