"""The hubs: Hugging Face, and ModelScope, which is reachable from more places.

Each lists a repository at one commit and gives the address and hash of each file. Knows no disk: `download` fetches the
files.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol
from urllib.parse import quote

from studio.errors import DownloadFailed

Name = Literal["huggingface", "modelscope"]
TIMEOUT = 20  # seconds to wait for a response
HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True)
class Listing:
    """A repository at one commit: 40 hexadecimal digits, and the size of each file in bytes."""

    commit: str
    sizes: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class Remote:
    """A file of a listing: its address, its size in bytes if known, and its SHA-256 or git hash."""

    url: str
    size: int | None
    hash: str


class Hub(Protocol):
    """One hub. Methods raise their client's errors, and DownloadFailed for a repository that is not a checkpoint."""

    title: str

    def listing(self, repository: str) -> Listing:
        """The current listing of the repository."""

    def remote(self, repository: str, commit: str, name: str) -> Remote:
        """A file of the latest listing."""

    @property
    def headers(self) -> dict[str, str]:
        """The headers of every transfer."""


def hub(name: Name, endpoint: str | None = None) -> Hub:
    """The hub `name`. `endpoint` replaces its address."""
    return ModelScope(endpoint) if name == "modelscope" else HuggingFace(endpoint)


class HuggingFace:
    """Hugging Face through its own client, which reads its own variables, such as a token or a mirror."""

    title = "Hugging Face"

    def __init__(self, endpoint: str | None = None) -> None:
        self._endpoint = endpoint

    def listing(self, repository: str) -> Listing:
        from huggingface_hub import HfApi

        found = HfApi(endpoint=self._endpoint).repo_info(repository, files_metadata=True, timeout=TIMEOUT)
        return Listing(
            commit=str(found.sha or ""), sizes={one.rfilename: int(one.size or 0) for one in found.siblings or []}
        )

    def remote(self, repository: str, commit: str, name: str) -> Remote:
        from huggingface_hub import get_hf_file_metadata, hf_hub_url

        url = hf_hub_url(repository, name, revision=commit, endpoint=self._endpoint)
        about = get_hf_file_metadata(url, timeout=TIMEOUT)
        if not about.etag or not re.fullmatch(r"[\w-]+", about.etag):
            raise DownloadFailed("download_no_hash", name=name, repository=repository)
        return Remote(url=url, size=about.size, hash=about.etag)

    @property
    def headers(self) -> dict[str, str]:
        from huggingface_hub.utils import build_hf_headers

        return dict(build_hf_headers())


class ModelScope:
    """ModelScope over its HTTP API: the list of files with hashes, and the files.

    Its listing has no commit, so the commit is a hash over the names and hashes of its files.
    """

    title = "ModelScope"

    def __init__(self, endpoint: str | None = None) -> None:
        self._endpoint = (endpoint or os.environ.get("MODELSCOPE_ENDPOINT") or "https://www.modelscope.cn").rstrip("/")
        self._files: dict[str, Remote] = {}

    def listing(self, repository: str) -> Listing:
        from huggingface_hub.utils import get_session, hf_raise_for_status

        url = f"{self._endpoint}/api/v1/models/{repository}/repo/files?Revision=master&Recursive=true"
        answer = get_session().get(url, headers=self.headers, timeout=TIMEOUT)
        hf_raise_for_status(answer)
        told = answer.json()
        data = told.get("Data") if isinstance(told, dict) else None
        files = data.get("Files") if isinstance(data, dict) else None
        if not isinstance(files, list):
            raise DownloadFailed("download_no_files", repository=repository, title=self.title)
        self._files = {}
        for one in files:
            name, digest = one.get("Path"), str(one.get("Sha256") or "")
            if one.get("Type") != "tree" and isinstance(name, str) and HASH.fullmatch(digest):
                where = f"{self._endpoint}/api/v1/models/{repository}/repo?Revision=master&FilePath={quote(name)}"
                self._files[name] = Remote(url=where, size=int(one.get("Size") or 0), hash=digest)
        lines = "\n".join(f"{name}\0{one.hash}" for name, one in sorted(self._files.items()))
        commit = hashlib.sha1(lines.encode(), usedforsecurity=False).hexdigest()
        return Listing(commit=commit, sizes={name: one.size or 0 for name, one in self._files.items()})

    def remote(self, repository: str, commit: str, name: str) -> Remote:
        return self._files[name]

    @property
    def headers(self) -> dict[str, str]:
        token = os.environ.get("MODELSCOPE_API_TOKEN")
        return {"User-Agent": "z-image-studio"} | ({"Authorization": f"Bearer {token}"} if token else {})
