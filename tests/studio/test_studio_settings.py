"""Settings: flags win over variables, those over a Space's, those over defaults; unsafe combinations are refused in a sentence."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.conftest import ROOT, plain_environment

SHOW = (
    "import os, sys; from studio.settings import read; s = read(sys.argv[1:], os.environ); print(repr(s), s.owner_rule)"
)


def run(*flags: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Read the settings in a process of its own, since the environment is read from the process."""
    return subprocess.run(
        [sys.executable, "-c", SHOW, *flags],
        env=plain_environment() | environ,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )


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
        (("--enhancer", "remote"), "needs enhancer_url and enhancer_model"),
        (("--enhancer_url", "ftp://x"), "must begin with http:// or https://"),
        (("--public_url", "https://example.org/studio"), "public_url must be"),
        (("--public_url", "example.org"), "public_url must be"),
        (("--queue_total", "0"), "queue_total"),
        (("--no_such_flag", "1"), "no_such_flag"),
    ],
)
def test_what_is_unsafe_is_refused(flags: tuple[str, ...], sentence: str) -> None:
    refused = run(*flags)
    assert refused.returncode != 0
    assert sentence in refused.stderr


def test_a_space_that_is_said_to_be_one_owners_needs_a_login() -> None:
    space = {"SYSTEM": "spaces", "SPACE_HOST": "me-mine.hf.space", "STUDIO_OWNERS": "one"}
    refused = run(**space)
    assert refused.returncode != 0
    assert "needs auth" in refused.stderr
    assert " person" in run("--auth", "ann:secret-word", **space).stdout
