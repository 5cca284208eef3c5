"""The Gallery view: the owner's history with search, newest first.

Answers the calls of the scripts in `assets/gallery` with pages of small cards. picture.py is the view of one picture.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import gradio as gr

from studio.services.serializers import View
from studio.studio import Studio
from studio.ui import owner
from studio.ui.calls import Call, CallArguments, OwnerOf, part

PAGE = 48  # cards per page
EMPTIED = 500  # pictures of the trash removed per call
TEXT_MAX = 300  # characters of a prompt on a card; the picture's view shows all


def build(studio: Studio, *, owner_of: OwnerOf = owner.owner_of) -> gr.HTML:
    """Build the view in the open Blocks context."""
    return part("gallery", owner_of=owner_of, calls=calls(studio))


def calls(studio: Studio) -> Mapping[str, Call]:
    """The calls of the gallery's scripts."""
    return {
        "history": lambda asked: history(studio, asked),
        "matching": lambda asked: studio.library.matching(
            asked.owner,
            query=asked("query", ""),
            favourite=asked("favourite", False),
            trash=asked("trash", False),
            collection=asked("collection"),
            zone=asked.zone,
        ),
        "edit": lambda asked: card(
            studio.library.edit(asked.owner, asked("id"), favourite=asked("favourite"), rating=asked("rating"))
        ),
        "edit_many": lambda asked: several(
            studio,
            asked,
            lambda ids: cards(
                studio.library.edit_many(
                    asked.owner,
                    ids,
                    favourite=asked("favourite"),
                    rating=asked("rating"),
                    add_tags=asked("add_tags"),
                    remove_tags=asked("remove_tags"),
                )
            ),
        ),
        "delete_many": lambda asked: several(
            studio, asked, lambda ids: cards(studio.library.delete_many(asked.owner, ids))
        ),
        "restore_many": lambda asked: several(
            studio, asked, lambda ids: cards(studio.library.restore_many(asked.owner, ids))
        ),
        "weigh": lambda asked: studio.library.purge(asked.owner, asked("ids"), dry_run=True),
        "purge": lambda asked: several(studio, asked, lambda ids: studio.library.purge(asked.owner, ids), trash=True),
        "empty_trash": lambda asked: studio.library.purge(asked.owner, until=asked("until"), most=EMPTIED),
        "tags": lambda asked: studio.library.tags(asked.owner, asked("beginning", "")),
        "collections": lambda asked: studio.collections.of(asked.owner, zone=asked.zone),
        "new_collection": lambda asked: studio.collections.create(
            asked.owner, asked("name"), query=asked("query"), ids=asked("ids", []), zone=asked.zone
        ),
        "edit_collection": lambda asked: studio.collections.edit(
            asked.owner, asked("collection"), name=asked("name"), cover=asked("cover"), zone=asked.zone
        ),
        "move_in_collection": lambda asked: studio.collections.move_pictures(
            asked.owner, asked("collection"), asked("ids"), asked("before")
        ),
        "delete_collection": lambda asked: studio.collections.delete(asked.owner, asked("collection")),
        "collect": lambda asked: several(
            studio,
            asked,
            lambda ids: studio.collections.add_pictures(
                asked.owner, asked("collection"), ids, remove=asked("remove", False)
            ),
        ),
        "delete": lambda asked: card(studio.library.delete(asked.owner, asked("id"))),
        "restore": lambda asked: card(studio.library.restore(asked.owner, asked("id"))),
    }


def several(studio: Studio, asked: CallArguments, act: Callable[[list[str]], View], *, trash: bool = False) -> View:
    """Act on those pictures that still exist. `missing` are the others."""
    told = asked("ids")
    there = studio.library.existing(asked.owner, told, trash=trash)
    known = set(there)
    return {**(act(there) if there else {}), "missing": [id for id in told if id not in known]}


def history(studio: Studio, asked: CallArguments) -> View:
    """A page of cards: `{"items", "next", "total", "capped", "ms"}`. `ms` is the duration of the search."""
    begun = time.perf_counter()
    page = studio.library.history(
        asked.owner,
        query=asked("query", ""),
        cursor=asked("cursor"),
        limit=PAGE,
        favourite=asked("favourite", False),
        trash=asked("trash", False),
        collection=asked("collection"),
        sort=asked("sort", "newest"),
        at=asked("at"),
        zone=asked.zone,
    )
    items = page["items"]
    assert isinstance(items, list)
    answer: View = {"items": [card(item) for item in items]}
    answer.update({key: page[key] for key in ("next", "previous", "total", "capped", "ranked")})
    return {**answer, "ms": round(1000 * (time.perf_counter() - begun), 1)}


def cards(found: View) -> View:
    """Pictures as cards."""
    items = found["items"]
    assert isinstance(items, list)
    return {"items": [card(one) for one in items]}


def card(picture: View) -> View:
    """The fields of a card."""
    keys = (
        "id",
        "created_at",
        "thumb_url",
        "width",
        "height",
        "seed",
        "steps",
        "favourite",
        "rating",
        "missing",
        "deleted_at",
        "job",
    )
    enhancement = picture["enhancement"]
    prompt = str(picture["original_prompt"])[:TEXT_MAX]
    return {
        **{key: picture[key] for key in keys},
        "original_prompt": prompt,
        "reasoned": enhancement is not None,
        "enhancement": enhancement["id"] if isinstance(enhancement, dict) else None,
    }
