"""Where checkpoints can be fetched from: Hugging Face, or ModelScope, which reaches places that the first does not.

Each lists a repository at one moment and says where a file is and what its hash is. Knows no disk: `download` fetches what is listed here.
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
TIMEOUT = 20  # seconds to wait for an answer
HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True)
class Listing:
    """A repository at one moment: 40 hexadecimal digits that name it, and the size of each file in bytes."""

    commit: str
    sizes: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class Remote:
    """A file of a listing: where it is, its size in bytes where that is told, and its SHA-256 or git's own hash."""

    url: str
    size: int | None
    hash: str


class Hub(Protocol):
    """One place. What its client raises, each method raises; DownloadFailed with a sentence for what is no checkpoint."""

    title: str

    def listing(self, repository: str) -> Listing:
        """The repository as it is now."""

    def remote(self, repository: str, commit: str, name: str) -> Remote:
        """A file of the listing that was asked for last."""

    @property
    def headers(self) -> dict[str, str]:
        """What every transfer is sent with."""


def hub(name: Name, endpoint: str | None = None) -> Hub:
    """The place called `name`; `endpoint` is its address where that is not the usual one."""
    return ModelScope(endpoint) if name == "modelscope" else HuggingFace(endpoint)


class HuggingFace:
    """Through its own client, which reads its own variables, such as a token and a mirror's address."""

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
            raise DownloadFailed(f"{name} of {repository} could not be fetched: the Hub gives no hash for it.")
        return Remote(url=url, size=about.size, hash=about.etag)

    @property
    def headers(self) -> dict[str, str]:
        from huggingface_hub.utils import build_hf_headers

        return dict(build_hf_headers())


class ModelScope:
    """Over its plain HTTP interface, of which two addresses are needed: a repository's files with their hashes, and a file.

    Its listing names no commit for the whole, so a listing goes by a hash over the names and hashes of its files: the same files have the
    same name, wherever they were fetched from it.
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
            raise DownloadFailed(f"{repository} could not be fetched: {self.title} lists no files of it.")
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
