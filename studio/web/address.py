"""Host names and origins: what a request says about where it went and where it came from.

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
    """A host as URLs spell it (lower case, IPv6 in brackets) and the port, None where it is left to the scheme."""

    host: str
    port: int | None

    @property
    def loopback(self) -> bool:
        """Whether only this machine answers under that name."""
        found = self._ip()
        return self.host == "localhost" or (found is not None and found.is_loopback)

    @property
    def literal(self) -> bool:
        """Whether the host is an address, not a name: no resolver can make an address mean another machine."""
        return self._ip() is not None

    def _ip(self) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
        try:
            return ipaddress.ip_address(self.host.strip("[]"))
        except ValueError:
            return None


@dataclass(frozen=True)
class Origin:
    """Scheme and place of the page that a browser sent a request from."""

    scheme: str
    netloc: Netloc

    @property
    def port(self) -> int:
        """The port, the scheme's own where none is spelled."""
        return self.netloc.port or STANDARD_PORTS[self.scheme]


def netloc(text: str) -> Netloc | None:
    """Read a Host header. None for what is not a host and an optional port."""
    found = NETLOC.fullmatch(text.strip().lower())
    if found is None:
        return None
    port = found["port"]
    return Netloc(found["host"], int(port) if port else None)


def origin(text: str) -> Origin | None:
    """Read an Origin header or the address of a site. None for `null` and for what is not an http origin."""
    found = ORIGIN.fullmatch(text.strip().lower())
    place = netloc(found["netloc"]) if found else None
    return Origin(found["scheme"], place) if found and place else None


def header(headers: Headers, name: bytes) -> str:
    """The first header of that (lower case) name, or an empty text."""
    return next((value.decode("latin-1") for key, value in headers if key == name), "")


def scheme(headers: Headers, spoken: str) -> str:
    """`https` where a proxy in front says that it was asked so, else the scheme that was spoken with us."""
    said = header(headers, b"x-forwarded-proto").split(",")[0].strip().lower()
    return said if said in STANDARD_PORTS else spoken
