"""Which of the three things a picture's file tells about itself. Knows no file and how none of them is written."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, kw_only=True)
class MetadataPolicy:
    """What is written into files: the infotext, our own JSON, the XMP mark of an AI-generated picture."""

    infotext: bool = True  # what A1111, Forge, SD.Next and civitai read
    json: bool = True  # the whole record, as ours reads it back
    xmp: bool = True  # the IPTC digital source type

    @classmethod
    def of(cls, listed: str) -> MetadataPolicy:
        """From a list such as "infotext, json", or "none". Raises ValueError, a sentence."""
        names = [field.name for field in fields(cls)]
        said = [name.strip().lower() for name in listed.split(",")]
        if said == ["none"]:
            return cls(**dict.fromkeys(names, False))
        if unknown := sorted(set(said) - set(names)):
            raise ValueError(
                f"metadata must be none, or one or more of {', '.join(names)} with commas between (got {', '.join(unknown) or listed})."
            )
        return cls(**{name: name in said for name in names})


ALL = MetadataPolicy()
