"""The metadata policy: which metadata blocks are written into saved files."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, kw_only=True)
class MetadataPolicy:
    """Which blocks are written: the infotext, our JSON, the XMP mark for AI-generated images."""

    infotext: bool = True  # read by A1111, Forge, SD.Next and Civitai
    json: bool = True  # the complete record
    xmp: bool = True  # the IPTC digital source type

    @classmethod
    def of(cls, listed: str) -> MetadataPolicy:
        """Parse a list such as "infotext, json", or "none". Raises ValueError."""
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
