"""Hosts and origins from request headers.

Pure: header texts in, small values out. Knows no request object and no setting.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass

NETLOC = re.compile(r"(?P<host>\[[0-9a-f:.]+\]|[a-z0-9_](?:[a-z0-9._-]*[a-z0-9_])?)(?::(?P<port>\d{1,5}))?")
ORIGIN = re.compile(r"(?P<scheme>https?)://(?P<netloc>[^/?#@]+)/?")
STANDARD_PORTS = {"http": 80, "https": 443}
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
Headers = Iterable[tuple[bytes, bytes]]


@dataclass(frozen=True)
class Netloc:
    """A host as in URLs (lower case, IPv6 in brackets) and its port; None for the scheme's default."""

    host: str
    port: int | None

    @property
    def loopback(self) -> bool:
        """Whether the name means this machine only."""
        found = self._ip()
        return self.host == "localhost" or (found is not None and found.is_loopback)

    @property
    def literal(self) -> bool:
        """Whether the host is an IP address, which no resolver can redirect."""
        return self._ip() is not None

    def _ip(self) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
        try:
            return ipaddress.ip_address(self.host.strip("[]"))
        except ValueError:
            return None


@dataclass(frozen=True)
class Origin:
    """The scheme and host of the page that sent a request."""

    scheme: str
    netloc: Netloc

    @property
    def port(self) -> int:
        """The port, or the scheme's default."""
        return self.netloc.port or STANDARD_PORTS[self.scheme]


def netloc(text: str) -> Netloc | None:
    """Parse a Host header; None if it is not a host with an optional port."""
    found = NETLOC.fullmatch(text.strip().lower())
    if found is None:
        return None
    port = found["port"]
    return Netloc(found["host"], int(port) if port else None)


def origin(text: str) -> Origin | None:
    """Parse an Origin header or a site's address; None for `null` and other schemes."""
    found = ORIGIN.fullmatch(text.strip().lower())
    place = netloc(found["netloc"]) if found else None
    return Origin(found["scheme"], place) if found and place else None


def header(headers: Headers, name: bytes) -> str:
    """The first header of that lower-case name, or an empty text."""
    return next((value.decode("latin-1") for key, value in headers if key == name), "")


def scheme(headers: Headers, spoken: str) -> str:
    """`https` if a proxy says so, else the scheme of the connection."""
    said = header(headers, b"x-forwarded-proto").split(",")[0].strip().lower()
    return said if said in STANDARD_PORTS else spoken
