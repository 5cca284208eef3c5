"""Settings: flags win over variables, those over a Space's, those over defaults; unsafe combinations are refused in a sentence."""

from __future__ import annotations

import subprocess

import pytest
from pydantic import SecretStr

from studio.settings import Settings
from tests.apps import completed
from tests.conftest import plain_environment

SHOW = (
    "import sys; from studio.cli import main, serve; serve.run = lambda s: print(repr(s), s.owner_rule) or 0; "
    "sys.exit(main.run(sys.argv[1:]))"
)


def run(*flags: str, show: str = SHOW, **environ: str) -> subprocess.CompletedProcess[str]:
    """Read the settings in a process of its own, since the environment is read from the process."""
    return completed(*flags, code=show, env=plain_environment() | environ)


@pytest.mark.parametrize(
    ("flags", "environ", "expected"),
    [
        ((), {}, "port=7860"),
        ((), {"STUDIO_PORT": "81"}, "port=81"),
        (("--port", "82"), {"STUDIO_PORT": "81"}, "port=82"),
        ((), {"GRADIO_SERVER_PORT": "83"}, "port=83"),
        ((), {"GRADIO_SERVER_PORT": "83", "STUDIO_PORT": "81"}, "port=81"),
        (("--port=84",), {"GRADIO_SERVER_PORT": "83"}, "port=84"),
        ((), {"SYSTEM": "spaces", "SPACE_HOST": "me-mine.hf.space"}, "host='0.0.0.0'"),
        ((), {"SYSTEM": "spaces", "SPACE_HOST": "me-mine.hf.space"}, "public_url='https://me-mine.hf.space'"),
        ((), {"SYSTEM": "spaces"}, " browser"),
        ((), {}, " one"),
        (("--auth", "ann:secret-word"), {}, " person"),
        (("--host", "0.0.0.0", "--owners", "browser"), {}, "host='0.0.0.0'"),
    ],
)
def test_precedence(flags: tuple[str, ...], environ: dict[str, str], expected: str) -> None:
    shown = run(*flags, **environ)
    assert expected in shown.stdout, shown.stderr
    assert "secret-word" not in shown.stdout


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (("--host", "0.0.0.0"), "needs auth"),
        (("--host", "192.168.1.5"), "needs auth"),
        (("--share",), "needs auth"),
        (("--enhancer", "remote"), "needs enhancer_url and enhancer_model, or enhancer_preset"),
        (("--enhancer", "remote", "--enhancer-url", "http://x"), "needs enhancer_url and enhancer_model"),
        (
            ("--enhancer-preset", "ollama"),
            "enhancer_preset=ollama has no effect without enhancer=remote or a model in enhancer_vision.",
        ),
        (
            ("--enhancer-vision", "sees"),
            "enhancer_vision=sees needs a server: enhancer_url, or enhancer_preset.",
        ),
        (("--enhancer-vision", "sees", "--enhancer-url", "box:1"), "enhancer_url must begin with http:// or https://"),
        (
            ("--enhancer-vision", "sees", "--enhancer-preset", "dashscope"),
            "enhancer_preset=dashscope needs enhancer_key",
        ),
        (("--enhancer-preset", "nobody"), "enhancer_preset"),
        (("--enhancer", "remote", "--enhancer-preset", "dashscope"), "enhancer_preset=dashscope needs enhancer_key"),
        (
            ("--enhancer", "remote", "--enhancer-preset", "huggingface"),
            "enhancer_preset=huggingface needs enhancer_key",
        ),
        (("--enhancer-url", "ftp://x"), "must begin with http:// or https://"),
        (("--public-url", "https://example.org/studio"), "public_url must be"),
        (("--public-url", "example.org"), "public_url must be"),
        (("--queue-total", "0"), "queue_total"),
        (("--metadata", "json,exif"), "metadata must be none, or one or more of infotext, json, xmp"),
        (("--no-such-flag", "1"), "--no-such-flag"),
    ],
)
def test_what_is_unsafe_is_refused(flags: tuple[str, ...], sentence: str) -> None:
    refused = run(*flags)
    assert refused.returncode != 0
    assert sentence in refused.stderr


def test_a_model_that_reads_pictures_needs_no_remote_reasoning() -> None:
    assert "enhancer_vision='sees'" in run("--enhancer-vision", "sees", "--enhancer-url", "http://box:1").stdout
    shown = run("--enhancer-vision", "sees", "--enhancer-preset", "ollama", "--enhancer", "off")
    assert "enhancer_vision='sees'" in shown.stdout, shown.stderr


KEY = "sk-very-secret-4711"
SERVER = SHOW.replace("repr(s), s.owner_rule", "s.server")


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ((), "None"),
        (("--enhancer-url", "http://box:1"), "url='http://box:1', model=None, extra={}"),
        (("--enhancer", "remote", "--enhancer-url", "http://box:1", "--enhancer-model", "m"), "model='m', extra={}"),
        (("--enhancer", "remote", "--enhancer-preset", "ollama"), "url='http://127.0.0.1:11434/v1', model='qwen3:8b'"),
        (("--enhancer", "remote", "--enhancer-preset", "ollama"), "extra={'reasoning_effort': 'none'}"),
        (
            (
                "--enhancer",
                "remote",
                "--enhancer-preset",
                "vllm",
                "--enhancer-url",
                "http://box:1",
                "--enhancer-model",
                "m",
            ),
            "url='http://box:1', model='m', extra=mappingproxy({'chat_template_kwargs': {'enable_thinking': False}})",
        ),
        (("--enhancer", "remote", "--enhancer-preset", "dashscope", "--enhancer-key", KEY), "model='qwen-plus'"),
    ],
)
def test_the_server_that_presets_and_settings_name(flags: tuple[str, ...], expected: str) -> None:
    shown = run(*flags, show=SERVER)
    assert expected in shown.stdout, shown.stderr
    assert KEY not in shown.stdout


def test_the_key_is_shown_to_its_client_only() -> None:
    settings = Settings(enhancer_key=SecretStr(KEY))
    assert settings.server_key == KEY
    assert KEY not in repr(settings)
    assert KEY not in settings.model_dump_json()
    assert Settings().server_key is None


def test_no_secret_is_shown_by_what_is_refused() -> None:
    refused = run("--enhancer", "remote", "--enhancer-key", KEY, "--auth", "ann:secret-word", STUDIO_PORT="x")
    assert refused.returncode != 0
    assert KEY not in refused.stdout + refused.stderr
    refused = run("--enhancer", "remote", "--enhancer-key", KEY, "--auth", "ann:secret-word")
    assert refused.returncode != 0
    assert not [secret for secret in (KEY, "secret-word") if secret in refused.stdout + refused.stderr]


def test_a_space_that_is_said_to_be_one_owners_needs_a_login() -> None:
    space = {"SYSTEM": "spaces", "SPACE_HOST": "me-mine.hf.space", "STUDIO_OWNERS": "one"}
    refused = run(**space)
    assert refused.returncode != 0
    assert "needs auth" in refused.stderr
    assert " person" in run("--auth", "ann:secret-word", **space).stdout
