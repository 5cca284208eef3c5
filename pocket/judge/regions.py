"""Finds the connected parts of what differs from the background. It knows no kinds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Region:
    """A connected part: its box in pixels, and which pixels of the box are its own."""

    top: int
    left: int
    bottom: int
    right: int
    mask: Mask

    @property
    def area(self) -> int:
        return int(self.mask.sum())


def grow(mask: Mask, by: int) -> Mask:
    """The mask widened by `by` pixels in all directions."""
    height, width = mask.shape
    padded = np.pad(mask, by)
    wide = np.zeros((height + 2 * by, width), dtype=bool)
    for shift in range(2 * by + 1):
        wide |= padded[:, shift : shift + width]
    tall = np.zeros_like(mask)
    for shift in range(2 * by + 1):
        tall |= wide[shift : shift + height]
    return tall


def _runs(mask: Mask) -> Iterator[tuple[int, int, int]]:
    """Row, first column and end of every run of set pixels."""
    edges = np.diff(np.pad(mask, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    starts, ends = np.nonzero(edges == 1), np.nonzero(edges == -1)
    yield from zip(starts[0].tolist(), starts[1].tolist(), ends[1].tolist(), strict=True)


def _label(mask: Mask) -> npt.NDArray[np.int32]:
    """A number above 0 for every pixel of each connected part: runs that touch one above share its number."""
    parents: list[int] = [0]

    def root(label: int) -> int:
        while parents[label] != label:
            parents[label] = parents[parents[label]]
            label = parents[label]
        return label

    labels = np.zeros(mask.shape, dtype=np.int32)
    for row, start, end in _runs(mask):
        above = set(labels[row - 1, start:end].tolist()) - {0} if row else set()
        roots = {root(label) for label in above}
        if roots:
            own = min(roots)
            for other in roots:
                parents[other] = own
        else:
            own = len(parents)
            parents.append(own)
        labels[row, start:end] = own
    flat = np.asarray([root(label) for label in range(len(parents))], dtype=np.int32)
    return flat[labels]


def regions(mask: Mask, join: int) -> list[Region]:
    """The connected parts of a mask, joined across gaps of up to twice `join` pixels, the largest first."""
    labels = _label(grow(mask, join)) * mask
    found = []
    for label in np.unique(labels):
        if label == 0:
            continue
        own = labels == label
        rows, columns = np.flatnonzero(own.any(axis=1)), np.flatnonzero(own.any(axis=0))
        top, bottom, left, right = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
        found.append(Region(top=top, left=left, bottom=bottom, right=right, mask=own[top:bottom, left:right]))
    return sorted(found, key=lambda region: region.area, reverse=True)
