"""The remote chat model: any OpenAI-compatible server, such as Ollama, vLLM, llama.cpp, DashScope or a Hugging Face provider.

Errors are single sentences without the key. Knows no enhancer.
"""

from __future__ import annotations

import base64
import ipaddress
import threading
import urllib.request
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from queue import Empty, Full, Queue
from urllib.parse import urlsplit

import httpx2
from huggingface_hub import InferenceClient, get_session, set_client_factory
from huggingface_hub.errors import (
    HfHubHTTPError,
    InferenceTimeoutError,
    OfflineModeIsEnabled,
    TextGenerationError,
)

from enhancer.base import Message, Sampling
from enhancer.errors import EnhancerError, ModelRefused, ModelUnreachable, NoPrompt
from locales import Localized

NO_KEY = "none"
"""Sent where no key is set: with nothing at all, InferenceClient would send the user's saved Hugging Face token along."""
POLL_S = 0.05
"""Seconds between two looks at whether the answer is still wanted."""
BLIND = (400, 415, 422, 500)
"""What servers answer to a picture that their model cannot read."""
_Body = dict[str, object]
"""A message as it is sent: its content is a text, or a list of parts."""


class RemoteChat:
    """A server's model, by base address (with or without /v1) and model name."""

    def __init__(
        self,
        base_url: str,
        model: str,
        *,
        key: str | None = None,
        timeout_s: float = 60.0,
        extra: Mapping[str, object] | None = None,
    ) -> None:
        """`timeout_s` is the longest silence before and between pieces.

        `extra` is added to each request, for switches such as `{"chat_template_kwargs": {"enable_thinking": False}}`.
        Raises ValueError for an invalid address.
        """
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(
                "The address of the enhancer's server must begin with http:// or https:// and name a host "
                f"(got {parts.scheme}://{parts.hostname or ''})."
            )
        self._host = f"{parts.hostname}:{parts.port}" if parts.port else parts.hostname
        self._base_url, self._model, self._key, self._timeout_s = base_url, model, key, timeout_s
        self._extra = dict(extra or {})
        if _is_loopback(parts.hostname) and _has_proxy(parts.scheme, parts.hostname):
            _reach_loopback_directly()

    def __repr__(self) -> str:
        return f"RemoteChat({self._model!r} at {self._host})"

    @property
    def name(self) -> str:
        return self._model

    @property
    def revision(self) -> str:
        return ""

    def stream(self, messages: Sequence[Message], sampling: Sampling, cancelled: Callable[[], bool]) -> Iterator[str]:
        """Yield pieces of the answer; reasoning comes first, between <think> and </think>.

        Raises ModelUnreachable, ModelRefused, or NoPrompt for an answer cut at `sampling.max_tokens`.
        """
        return self._answer([dict(message) for message in messages], sampling, cancelled)

    def describe(
        self,
        picture: bytes,
        ask: str,
        sampling: Sampling,
        cancelled: Callable[[], bool],
        *,
        media_type: str = "image/jpeg",
    ) -> Generator[str, None, None]:
        """Like `stream`, with a picture in one message that asks `ask`."""
        data = f"data:{media_type};base64,{base64.b64encode(picture).decode('ascii')}"
        content = [{"type": "text", "text": ask}, {"type": "image_url", "image_url": {"url": data}}]
        return self._answer([{"role": "user", "content": content}], sampling, cancelled)

    def _answer(
        self, messages: list[_Body], sampling: Sampling, cancelled: Callable[[], bool]
    ) -> Generator[str, None, None]:
        """Read on a thread, so that `cancelled` takes effect while the server is silent."""
        pieces: Queue[str | EnhancerError | None] = Queue(maxsize=64)
        unwanted = threading.Event()

        def put(item: str | EnhancerError | None) -> bool:
            while not unwanted.is_set():
                try:
                    pieces.put(item, timeout=POLL_S)
                    return True
                except Full:
                    continue
            return False

        reader = threading.Thread(target=self._read, args=(messages, sampling, put), name="remote-chat", daemon=True)
        reader.start()
        try:
            while not cancelled():
                try:
                    item = pieces.get(timeout=POLL_S)
                except Empty:
                    continue
                if item is None:
                    return
                if isinstance(item, EnhancerError):
                    raise item
                yield item
        finally:
            unwanted.set()
            # A reader of a silent server cannot be interrupted; it ends within `timeout_s`.
            reader.join(timeout=2 * POLL_S)

    def _read(
        self, messages: list[_Body], sampling: Sampling, put: Callable[[str | EnhancerError | None], bool]
    ) -> None:
        """The reader thread: passes on pieces and errors."""
        try:
            with InferenceClient(
                base_url=self._base_url, api_key=self._key or NO_KEY, timeout=self._timeout_s
            ) as client:
                for piece in self._pieces(client, messages, sampling):
                    if not put(piece):
                        return
            put(None)
        except EnhancerError as error:
            put(error)
        except HfHubHTTPError as error:  # before ValueError, which some of them derive from
            put(self._refusal(error, pictured=any(not isinstance(message["content"], str) for message in messages)))
        except (ValueError, TypeError, KeyError, AttributeError, IndexError):
            # raised for chunks that are not JSON, or JSON of another form
            put(ModelUnreachable("server_wrong_protocol", host=self._host))
        except Exception as error:  # any other error must reach the consumer
            put(self._fault(error))

    def _pieces(self, client: InferenceClient, messages: list[_Body], sampling: Sampling) -> Iterator[str]:
        stream = client.chat_completion(
            messages,
            model=self._model,
            stream=True,
            seed=sampling.seed,
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            max_tokens=sampling.max_tokens,
            extra_body=self._extra,
        )
        thinking, began, finish = False, False, None
        for chunk in stream:
            for choice in (chunk.choices or [])[:1]:
                finish = choice.finish_reason or finish
                delta = choice.delta
                thought = delta.reasoning or getattr(delta, "reasoning_content", None)
                if thought and (thinking or not began):
                    yield ("" if thinking else "<think>\n") + str(thought).replace("</think", "< /think")
                    thinking = began = True
                if delta.content:
                    yield ("\n</think>\n" if thinking else "") + str(delta.content)
                    thinking, began = False, True
        if thinking:
            yield "\n</think>\n"
        if finish == "length":
            raise NoPrompt("answer_cut", n=sampling.max_tokens)
        if finish == "content_filter":
            raise ModelRefused("server_content_filter", host=self._host)
        if finish is None:
            raise ModelUnreachable("server_answer_cut" if began else "server_wrong_protocol", host=self._host)

    def _fault(self, error: Exception) -> EnhancerError:
        """The error as a sentence. The original text is left out: it may contain addresses and keys."""
        host = self._host
        if isinstance(error, OfflineModeIsEnabled):
            return ModelUnreachable("server_offline_mode", host=host)
        if isinstance(error, TextGenerationError):
            return ModelUnreachable("server_reported_error", host=host)
        if isinstance(error, (InferenceTimeoutError, httpx2.TimeoutException)):
            if isinstance(error.__cause__ or error, httpx2.ConnectTimeout):
                return ModelUnreachable("server_unreachable", host=host, n=f"{self._timeout_s:g}")
            return ModelUnreachable("server_silent", host=host, n=f"{self._timeout_s:g}")
        if isinstance(error, httpx2.ConnectError):
            return ModelUnreachable("server_not_running", host=host)
        if isinstance(error, httpx2.HTTPError):
            return ModelUnreachable("server_connection_lost", host=host)
        return ModelUnreachable("server_not_asked", host=host, kind=type(error).__name__)

    def _refusal(self, error: HfHubHTTPError, *, pictured: bool) -> EnhancerError:
        status, host = error.response.status_code, self._host
        blind = "_picture" if pictured and status in BLIND else ""  # perhaps the model reads no pictures
        if status in (401, 403):
            return ModelRefused("server_key_refused" if self._key else "server_key_missing", host=host, status=status)
        if status == 404:
            return ModelRefused("server_no_model", host=host, model=repr(self._model))
        if status == 429:
            wait = error.response.headers.get("retry-after", "").strip()[:40]
            when = Localized("when.seconds", n=wait) if wait.isdigit() else Localized("when.at", time=wait)
            return ModelRefused("server_busy", host=host, when=when if wait else Localized("when.later"))
        if status >= 500:
            return ModelUnreachable(f"server_failed{blind}", host=host, status=status, model=repr(self._model))
        return ModelRefused(f"server_refused{blind}", host=host, status=status, model=repr(self._model))


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _has_proxy(scheme: str, host: str) -> bool:
    proxies = urllib.request.getproxies()
    return ("all" in proxies or scheme in proxies) and not urllib.request.proxy_bypass(host)


def _reach_loopback_directly() -> None:
    """Bypass the environment's proxy for this machine."""
    hooks = get_session().event_hooks
    mounts = {f"all://{host}": None for host in ("localhost", "127.0.0.1", "[::1]")}
    set_client_factory(lambda: httpx2.Client(event_hooks=hooks, follow_redirects=True, timeout=None, mounts=mounts))
