"""The settings: one typed list that defines the variables `STUDIO_NAME`, the flags `--name`, `--help` and
docs/configuration.md.

Read once, by the command line. Knows nothing of how a setting is used. Rules that combine settings are checked here.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from enhancer.models import presets
from storage.metadata.policy import MetadataPolicy

ROOT = Path(__file__).resolve().parent.parent
POCKET = ROOT / "pocket" / "checkpoint"
DATA = (ROOT if (ROOT / "app.py").exists() else Path.cwd()) / "data"  # an installed package has no app.py
Owners = Literal["one", "browser", "person"]


class Settings(BaseSettings):
    """All settings. Each field's description appears in the documentation."""

    model_config = SettingsConfigDict(
        env_prefix="STUDIO_", frozen=True, extra="forbid", env_ignore_empty=True,
        hide_input_in_errors=True,  # it may be a secret
    )  # fmt: skip

    data: Path = Field(DATA, description="folder of the database, the pictures and the keys")
    host: str = Field("127.0.0.1", description="address where the page is served; on a Space 0.0.0.0")
    port: int = Field(7860, ge=0, le=65535, description="port where the page is served")
    checkpoint: str = Field(
        "auto",
        description="`pocket`, `pocket-base`, `turbo`, `base`, a folder or a Hub id; `auto` is Turbo where an accelerator and its weights "
        "are at hand, else Pocket. Naming one here is consent to download it",
    )
    device: str = Field("auto", description="where to generate: `auto`, `cpu`, `cuda`, `cuda:1`, `mps`")
    memory_gb: float | None = Field(None, gt=0, description="memory to plan for, in GB; unset is what is free")
    hub: Literal["huggingface", "modelscope"] = Field(
        "huggingface",
        description="where checkpoints are downloaded from, with consent: `huggingface` or `modelscope`",
    )
    enhancer: Literal["auto", "resident", "remote", "off"] = Field(
        "auto",
        description="which model enhances prompts: the text encoder's own weights (`resident`), a server (`remote`), or none (`off`)",
    )
    enhancer_preset: presets.PresetName | None = Field(
        None,
        description="a server whose address, model and switches are known, for `remote` or `enhancer_vision`: `ollama`, `vllm`, "
        "`llamacpp`, `dashscope` or `huggingface`; `enhancer_url` and `enhancer_model` go before its own",
    )
    enhancer_url: str | None = Field(
        None, description="base address of an OpenAI-compatible server, for `remote` or `enhancer_vision`"
    )
    enhancer_model: str | None = Field(None, description="model to ask for there")
    enhancer_vision: str | None = Field(
        None,
        description="a model there that reads pictures; with it the page offers to write a prompt from a picture, which is sent to that "
        "server and not stored",
    )
    enhancer_key: SecretStr | None = Field(None, description="key for that server; a secret")
    enhancer_template: str = Field(
        "auto", description="name of the template in enhancer/templates; `auto` is the checkpoint's own"
    )
    owners: Literal["auto", "one", "browser"] = Field(
        "auto",
        description="who owns pictures: `one` for everybody, or each `browser` its own; `auto` is one on loopback, by browser on a "
        "Space, by person with `auth`",
    )
    auth: SecretStr | None = Field(
        None, description="logins, as `name:password` pairs with commas between, or a file with one a line"
    )
    share: bool = Field(False, description="open Gradio's public tunnel; needs `auth`")
    public_url: str | None = Field(
        None, description="the studio's public address, for links, cookies and the origin check"
    )
    queue_per_owner: int = Field(20, ge=1, le=10_000, description="unfinished jobs that one owner may have")
    queue_total: int = Field(200, ge=1, le=100_000, description="unfinished jobs in all")
    disk_quota_gb: float = Field(0, ge=0, description="largest size of the data folder in GB; 0 is unlimited")

    metadata: str = Field(
        "infotext,json,xmp",
        description="which metadata a picture's file contains: `infotext` for other studios, `json` with everything for this one, `xmp` "
        "with the mark that it is AI-generated; a list with commas, or `none`",
    )

    @property
    def metadata_policy(self) -> MetadataPolicy:
        """Which metadata blocks are written into saved files."""
        return MetadataPolicy.of(self.metadata)

    @property
    def space(self) -> bool:
        """Whether this is a Hugging Face Space."""
        return os.environ.get("SYSTEM") == "spaces"

    @property
    def owner_rule(self) -> Owners:
        """The owner rule, with `auto` resolved."""
        if self.auth is not None:
            return "person"
        if self.owners != "auto":
            return self.owners
        return "browser" if self.space else "one"

    @property
    def server(self) -> presets.Server | None:
        """The server named by `enhancer_preset`, `enhancer_url` and `enhancer_model`, if any."""
        return presets.server(self.enhancer_preset, self.enhancer_url, self.enhancer_model)

    @property
    def server_key(self) -> str | None:
        """The server's key in clear text, for the client that sends it."""
        return self.enhancer_key.get_secret_value() if self.enhancer_key else None

    @model_validator(mode="after")
    def _safe(self) -> Settings:
        if self.share and self.auth is None:
            raise ValueError("share opens the studio to the public, so it needs auth (name:password).")
        strangers_apart = self.auth is not None or self.owner_rule == "browser"  # the meaning of `auto` on a Space
        if not is_loopback(self.host) and not strangers_apart:
            raise ValueError(
                f"host {self.host} can be reached by others, so it needs auth (name:password), or owners=browser."
            )
        if self.public_url and not is_site(self.public_url):
            raise ValueError(
                f"public_url must be http:// or https:// with a host, an optional port, and nothing after it (got {self.public_url})."
            )
        return self

    @model_validator(mode="after")
    def _reachable(self) -> Settings:
        _ = self.metadata_policy
        server, preset = self.server, self.enhancer_preset
        if self.enhancer == "remote" and not (server and server.model):
            raise ValueError("enhancer=remote needs enhancer_url and enhancer_model, or enhancer_preset.")
        if self.enhancer_vision and server is None:
            raise ValueError(
                f"enhancer_vision={self.enhancer_vision} needs a server: enhancer_url, or enhancer_preset."
            )
        if preset and self.enhancer != "remote" and not self.enhancer_vision:
            raise ValueError(
                f"enhancer_preset={preset} has no effect without enhancer=remote or a model in enhancer_vision."
            )
        if preset and presets.PRESETS[preset].needs_key and self.enhancer_key is None:
            raise ValueError(
                f"enhancer_preset={preset} needs enhancer_key: {presets.PRESETS[preset].title} requires a key."
            )
        if self.enhancer_url and not self.enhancer_url.startswith(("http://", "https://")):
            raise ValueError(f"enhancer_url must begin with http:// or https:// (got {self.enhancer_url}).")
        return self


def read(given: Mapping[str, object], environ: Mapping[str, str]) -> Settings:
    """The settings `given` by flags, then `STUDIO_*` variables, then Gradio's and the Space's variables, then defaults.

    Raises pydantic.ValidationError.
    """
    fallback: dict[str, object] = {}
    if environ.get("SYSTEM") == "spaces":
        fallback["host"] = "0.0.0.0"
        if space_host := environ.get("SPACE_HOST"):
            fallback["public_url"] = f"https://{space_host}"
    if host := environ.get("GRADIO_SERVER_NAME"):
        fallback["host"] = host
    if port := environ.get("GRADIO_SERVER_PORT"):
        fallback["port"] = port
    rest = {name: value for name, value in fallback.items() if not environ.get(f"STUDIO_{name.upper()}")}
    return Settings(**{**rest, **given})  # type: ignore[arg-type]


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_site(url: str) -> bool:
    """Whether `url` has no path: the page is served at the root, so a path would break links and the origin check."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    whole = parts.path in ("", "/") and not parts.query and not parts.fragment and "@" not in parts.netloc
    return parts.scheme in ("http", "https") and bool(parts.hostname) and whole


def table() -> str:
    """The settings as a Markdown table, for docs/configuration.md."""
    rows = ["| flag | variable | default | means |", "|---|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = "`data` beside app.py" if name == "data" else "" if field.default is None else f"`{field.default}`"
        rows.append(f"| `--{name.replace('_', '-')}` | `STUDIO_{name.upper()}` | {default} | {field.description} |")
    return "\n".join(rows)
