"""CUDA graphs: records a module's calls once per shape and replays them, which saves the host's time per kernel.

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
    """Replaces a module's `forward`. A call whose shapes occurred more than `after` times before is recorded, and replayed
    from then on.

    Returned tensors and lists of tensors are copies. Other results are in memory that the next replay overwrites. Calls
    with gradients, or arguments other than tensors, lists and plain values, are not recorded. `mode` separates recordings
    of different options.
    """

    def __init__(self, module: nn.Module, *, after: int = 1) -> None:
        self.on, self.after = False, after
        self._module = module
        self.mode: Hashable = None
        self._forward = module.forward
        self._seen: Counter[Hashable] = Counter()
        self._graphs: OrderedDict[Hashable, _Recording] = OrderedDict()
        self._failed: set[Hashable] = set()
        self._place: tuple[Any, torch.cuda.Stream] | None = None  # one pool, so that recordings share memory
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
        """Restore the module's own `forward`."""
        self._module.forward = self._forward

    def clear(self) -> bool:
        """Drop all recordings and their memory. Returns whether there were any."""
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
        except RuntimeError as error:  # the module synchronizes with the device, or memory is short: nothing is lost
            log.info("a call could not be recorded: %s", str(error).partition("\n")[0])
            self._failed.add(key)
            return None
        while len(self._graphs) > KEPT:
            self._graphs.popitem(last=False)
        return self._graphs[key]


class UnknownShape:
    """Stands for an argument that recordings cannot be distinguished by."""


class _Recording:
    """One recorded call: its input buffers and its outputs."""

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
            # Without torch's context manager, which collects garbage first: that takes longer in a large process than recording
            # saves. Other threads may use the device meanwhile.
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
    """The arguments in order, with marks at the ends of lists, so that nesting counts."""
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
    """A copy with its own tensors: tiles of a picture are decoded one by one and joined at the end."""
    if isinstance(value, list | tuple):
        return type(value)(_copied(each) for each in value)
    return value.clone() if isinstance(value, torch.Tensor) else value


def _shape(tensor: torch.Tensor) -> Hashable:
    return tuple(tensor.shape), tensor.dtype, tensor.stride()


def _free() -> int:
    free: int = torch.cuda.mem_get_info()[0]
    return free
