"""CUDA graphs: a module's calls are recorded once for each shape and replayed, so that the host's time for each small kernel is spared.

The same kernels compute the same numbers. Knows modules and tensors; knows no pipeline.
"""

from __future__ import annotations

import logging
from collections import Counter, OrderedDict
from collections.abc import Hashable, Iterator
from typing import Any

import torch
from torch import nn

log = logging.getLogger(__name__)

KEPT = 12
"""Recordings of one module; the one that was not used for longest goes."""
SPARE = 3 * 2**30
"""Bytes of the device that must be free for another recording: it keeps what it computes with."""


class Replayed:
    """Stands in for a module's `forward`. A call whose shapes came more than `after` times before is recorded and replayed from then on.

    Tensors that come back are copies; what comes back in another shape than a tensor or a list of them lies where the next replay writes,
    and whoever calls takes it before. Calls with anything else than tensors, lists and
    plain values, or with gradients, pass through. `mode` tells apart recordings of different ways to compute.
    """

    def __init__(self, module: nn.Module, *, after: int = 1) -> None:
        self.on, self.after = False, after
        self._module = module
        self.mode: Hashable = None
        self._forward = module.forward
        self._seen: Counter[Hashable] = Counter()
        self._graphs: OrderedDict[Hashable, _Recording] = OrderedDict()
        self._failed: set[Hashable] = set()
        self._place: tuple[Any, torch.cuda.Stream] | None = (
            None  # one for all recordings, so that they share their memory
        )
        module.forward = self

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        found = (
            list(_leaves((args, tuple(sorted(kwargs.items())))))
            if self.on and not torch.is_grad_enabled()
            else [UnknownShape]
        )
        if UnknownShape in (each for each in found if not isinstance(each, torch.Tensor)):
            return self._forward(*args, **kwargs)
        tensors = [each for each in found if isinstance(each, torch.Tensor)]
        key = (self.mode, *(_shape(each) if isinstance(each, torch.Tensor) else each for each in found))
        graph = self._graphs.get(key)
        if graph is None:
            self._seen[key] += 1
            if self._seen[key] <= self.after or key in self._failed or _free() < SPARE:
                return self._forward(*args, **kwargs)
            graph = self._record(key, args, kwargs, tensors)
            if graph is None:
                return self._forward(*args, **kwargs)
        self._graphs.move_to_end(key)
        return graph.replay(tensors)

    def leave(self) -> None:
        """Let the module's own `forward` be called again."""
        self._module.forward = self._forward

    def clear(self) -> bool:
        """Drop every recording, and the memory that they keep; whether there were any."""
        had = bool(self._graphs)
        self._graphs.clear()
        self._seen.clear()
        self._failed.clear()
        self._place = None
        return had

    def _record(self, key: Hashable, args: Any, kwargs: Any, tensors: list[torch.Tensor]) -> _Recording | None:
        try:
            if self._place is None:
                self._place = torch.cuda.graph_pool_handle(), torch.cuda.Stream()
            self._graphs[key] = _Recording(self._forward, args, kwargs, tensors, *self._place)
        except RuntimeError as error:  # something inside asks the device and waits, or memory is short: nothing is lost
            log.info("a call could not be recorded: %s", str(error).partition("\n")[0])
            self._failed.add(key)
            return None
        while len(self._graphs) > KEPT:
            self._graphs.popitem(last=False)
        return self._graphs[key]


class UnknownShape:
    """In the place of what a recording cannot be told apart by."""


class _Recording:
    """One recorded call: where its inputs lie, and what comes out."""

    def __init__(
        self, forward: Any, args: Any, kwargs: Any, tensors: list[torch.Tensor], pool: Any, stream: Any
    ) -> None:
        self._inputs = [each.clone() for each in tensors]
        places = iter(self._inputs)
        args = _with(args, places)
        kwargs = {name: _with(kwargs[name], places) for name in sorted(kwargs)}
        self._graph = torch.cuda.CUDAGraph()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            # By hand: torch's context manager collects garbage first, which takes longer in a large process than it spares. Other
            # threads may use the device meanwhile.
            self._graph.capture_begin(pool=pool, capture_error_mode="thread_local")
            try:
                self._out = forward(*args, **kwargs)
            finally:
                self._graph.capture_end()
        torch.cuda.current_stream().wait_stream(stream)

    def replay(self, tensors: list[torch.Tensor]) -> Any:
        for place, given in zip(self._inputs, tensors, strict=True):
            place.copy_(given)
        self._graph.replay()
        return _copied(self._out)


def _leaves(value: Any) -> Iterator[Any]:
    """What a call was made with, in order; the ends of lists are told too, so that two calls are alike only if they nest alike."""
    if isinstance(value, list | tuple):
        for each in value:
            yield from _leaves(each)
        yield len(value)
    elif value is None or isinstance(value, torch.Tensor | bool | int | float | str):
        yield value
    else:
        yield UnknownShape


def _with(value: Any, tensors: Iterator[torch.Tensor]) -> Any:
    """The same arguments with other tensors."""
    if isinstance(value, list | tuple):
        return type(value)(_with(each, tensors) for each in value)
    return next(tensors) if isinstance(value, torch.Tensor) else value


def _copied(value: Any) -> Any:
    """The same with tensors of its own: pieces of one picture are decoded one after the other, and put together at the end."""
    if isinstance(value, list | tuple):
        return type(value)(_copied(each) for each in value)
    return value.clone() if isinstance(value, torch.Tensor) else value


def _shape(tensor: torch.Tensor) -> Hashable:
    return tuple(tensor.shape), tensor.dtype, tensor.stride()


def _free() -> int:
    free: int = torch.cuda.mem_get_info()[0]
    return free
