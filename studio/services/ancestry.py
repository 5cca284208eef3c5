"""Ancestry: the pictures that a picture was made from, and those made from it, as a small graph. Knows no page."""

from __future__ import annotations

from collections import deque

from storage import Storage
from storage.errors import NotFound
from storage.records import Picture
from storage.repositories.private import PrivateStore
from studio.services.serializers import View

UP_MAX = 12  # generations
NODES_MAX = 40


def graph(storage: Storage | PrivateStore, owner: str, picture: Picture) -> View:
    """`nodes`, oldest first, and `edges` from parent to child with their `relation`. `more` means that some are left out."""
    found: dict[str, Picture] = {picture.id: picture}
    edges: dict[tuple[str, str], str] = {}
    top = _up(storage, owner, picture, found, edges)
    more = _down(storage, owner, [top, picture], found, edges)
    nodes = sorted(found.values(), key=lambda one: one.created_at)
    return {
        "nodes": [_node(one) for one in nodes],
        "edges": [{"from": before, "to": after, "relation": how} for (before, after), how in edges.items()],
        "more": more,
    }


def relation(storage: Storage | PrivateStore, parent: Picture, child: Picture) -> str:
    """How a picture was made from its parent."""
    try:
        if storage.jobs.get(child.owner, child.job_id).kind == "rerun":
            return "rerun"
    except NotFound:
        pass
    if child.recipe.get("source") == parent.pixel_sha256:
        return "source"
    refined = child.enhancement is not None and child.enhancement.parent_id == parent.enhancement_id is not None
    if refined:
        return "refinement"
    return "variation" if child.prompt == parent.prompt else "edit"


def _up(
    storage: Storage | PrivateStore,
    owner: str,
    picture: Picture,
    found: dict[str, Picture],
    edges: dict[tuple[str, str], str],
) -> Picture:
    """Add the parents and starting images upstream. Returns the oldest parent."""
    for _ in range(UP_MAX):
        known = picture.parent_id is None or picture.parent_id in found
        parent = None if picture.parent_id is None or known else storage.pictures.get(owner, picture.parent_id)
        sha256 = picture.recipe.get("source")
        if isinstance(sha256, str) and (
            parent is None or sha256 not in (parent.pixel_sha256, parent.recipe.get("source"))
        ):
            source = storage.pictures.of_pixels(owner, sha256)
            if source is not None and source.id != picture.id:
                found.setdefault(source.id, source)
                edges.setdefault((source.id, picture.id), "source")
        if parent is None:
            break
        found[parent.id] = parent
        edges[(parent.id, picture.id)] = relation(storage, parent, picture)
        picture = parent
    return picture


def _down(
    storage: Storage | PrivateStore,
    owner: str,
    begin: list[Picture],
    found: dict[str, Picture],
    edges: dict[tuple[str, str], str],
) -> bool:
    """Add the pictures downstream. Returns whether some were left out."""
    waiting, seen = deque(begin), set[str]()
    while waiting:
        parent = waiting.popleft()
        if parent.id in seen:
            continue
        seen.add(parent.id)
        for child in storage.pictures.children(owner, parent.id):
            if child.id not in found and len(found) >= NODES_MAX:
                return True
            found.setdefault(child.id, child)
            edges.setdefault((parent.id, child.id), relation(storage, parent, child))
            waiting.append(child)
    return False


def _node(picture: Picture) -> View:
    return {
        "id": picture.id,
        "thumb_url": f"/media/thumbs/{picture.id}.webp",
        "prompt": picture.prompt[:200],
        "seed": picture.seed,
        "width": picture.width,
        "height": picture.height,
        "deleted": picture.deleted_at is not None,
    }
