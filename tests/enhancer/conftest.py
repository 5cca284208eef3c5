"""Pocket's language model, resident and behind a real server; and what a fault may say."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

CHECKPOINT = Path(__file__).parents[2] / "pocket" / "checkpoint"


@pytest.fixture(scope="session")
def language_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pocket's language model and tokenizer in one folder, as `transformers serve` wants them."""
    folder = tmp_path_factory.mktemp("language")
    for part in ("text_encoder", "tokenizer"):
        for file in (CHECKPOINT / part).iterdir():
            shutil.copy(file, folder)
    # Qwen3's own checkpoints say that words are drawn; where a checkpoint is silent, the server takes the likeliest.
    said = folder / "generation_config.json"
    said.write_text(json.dumps({**json.loads(said.read_text()), "do_sample": True, "top_k": 20}))
    return folder


@pytest.fixture(scope="session")
def text_encoder(language_folder: Path) -> Any:
    """Loaded as a pipeline loads it: without a head, in evaluation mode; in float32, as on a machine without a GPU."""
    import torch
    from transformers import Qwen3Model

    return Qwen3Model.from_pretrained(language_folder, local_files_only=True, dtype=torch.float32).eval()


@pytest.fixture(scope="session")
def tokenizer(language_folder: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(language_folder, local_files_only=True)


@pytest.fixture(scope="session")
def resident(text_encoder: Any, tokenizer: Any) -> Any:
    from enhancer.models.resident import ResidentChat

    return ResidentChat(text_encoder, tokenizer, name="pocket", revision="test")


@pytest.fixture(scope="session")
def served(language_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The base address of `transformers serve`; the served model's name is the folder's path."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("serve") / "log.txt"
    command = [sys.executable, "-c", "from transformers.cli.transformers import main; main()", "serve"]
    command += [
        str(language_folder),
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--device",
        "cpu",
        "--dtype",
        "float32",
    ]
    with log.open("wb") as out:
        server = subprocess.Popen(
            command, stdout=out, stderr=subprocess.STDOUT, env={**os.environ, "OMP_NUM_THREADS": "1"}
        )
    try:
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        deadline = time.monotonic() + 180
        while True:
            if server.poll() is not None or time.monotonic() > deadline:
                pytest.fail("transformers serve did not come up:\n" + log.read_text(errors="replace")[-2000:])
            with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
                direct.open(f"http://127.0.0.1:{port}/health", timeout=5).close()
                break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def told_plainly(error: BaseException, key: str) -> str:
    """What a fault says: one sentence, without the key, which is in none of its causes either."""
    told: BaseException | None = error
    while told is not None:  # the chain of causes is what a log would show
        assert key not in str(told)
        assert key not in repr(told)
        told = told.__cause__ or told.__context__
    text = str(error)
    assert text.endswith(".")
    assert "\n" not in text
    return text
