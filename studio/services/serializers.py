"""Serializers: the JSON of pictures, enhancements, jobs and shares that programs and the page read.

Pure: records in, plain dicts out. The keys are the API; keys are added, never removed. Texts stay texts: nothing here is
HTML.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from functools import lru_cache

from enhancer.base import STEPS, Draft
from enhancer.checks import Check, check_prompt
from storage.ids import is_private
from storage.metadata.readers import ParsedMetadata
from storage.records import Collection, Enhancement, Job, Picture, Share
from storage.repositories.trash import DAYS
from storage.transfer.importer import ImportPreview, ImportResult
from studio.domain.checkpoint import CheckpointInfo
from studio.domain.enhancement_options import AvailableOptions
from studio.domain.recipe import adapters as recipe_adapters
from studio.engine.base import AdapterInfo, EngineState, Machine
from studio.engine.memory.plan import Plan

View = dict[str, object]
FINISHED = frozenset({"done", "failed", "cancelled"})


def picture(found: Picture) -> View:
    """One picture with all its fields."""
    return {
        "id": found.id,
        "created_at": time(found.created_at),
        "url": f"/media/pictures/{found.id}.png",
        "thumb_url": f"/media/thumbs/{found.id}.webp",
        "width": found.width,
        "height": found.height,
        "seed": found.seed,
        "steps": found.steps,
        "guidance": found.guidance,
        "shift": found.shift,
        "cfg_normalization": bool(found.recipe.get("cfg_normalization", False)),
        "cfg_truncation": found.recipe.get("cfg_truncation", 1.0),
        "variation_of": found.recipe.get("variation_of", []),
        "source": found.recipe.get("source"),
        "strength": found.recipe.get("strength"),
        "adapters": _adapters(found.recipe),
        "prompt": found.prompt,
        "original_prompt": found.original_prompt,
        "negative_prompt": found.negative_prompt,
        "checkpoint": found.checkpoint,
        "revision": found.revision,
        "pixel_sha256": found.pixel_sha256,
        "enhancement": enhancement(found.enhancement) if found.enhancement else None,
        "edited": found.enhancement is not None and found.prompt != found.enhancement.prompt,
        "parent_id": found.parent_id,
        "job": found.job_id,
        "seconds": round(found.seconds, 3),
        "environment": dict(found.environment),
        "favourite": found.favourite,
        "rating": found.rating or None,
        "tags": list(found.tags),
        "deleted_at": time(found.deleted_at),
        "expires_at": None if found.deleted_at is None else time(found.deleted_at + timedelta(days=DAYS)),
        "note": found.note,
        "missing": found.missing_at is not None,
        "private": is_private(found.id),
    }


def _adapters(recipe: Mapping[str, object]) -> list[View]:
    """A recipe's adapters; empty for an imported recipe in another form."""
    with suppress(ValueError):
        return [asdict(one) for one in recipe_adapters(recipe.get("adapters", ()))]
    return []


def enhancement(found: Enhancement) -> View:
    """A stored enhancement."""
    return {
        "id": found.id,
        "original": found.original,
        "steps": [
            {"name": step.name, "text": step.text, "seconds": step.seconds, "done": True} for step in found.steps
        ],
        "prompt": found.prompt,
        "seed": found.seed,
        "model": found.model,
        "revision": found.revision,
        "template": found.template,
        "template_version": found.template_version,
        "seconds": round(found.seconds, 3),
        "done": True,
        **_options(found.options),
        "parent_id": found.parent_id,
        "checks": _checks(
            found.original,
            found.prompt,
            next((step.text for step in found.steps if step.name == "solve"), ""),
            found.options,
        ),
    }


def draft(written: Draft) -> View:
    """An enhancement that is being written. Its `id` is null until it is stored."""
    return {
        "id": None,
        "original": written.original,
        "steps": [
            {"name": step.name, "text": step.text, "seconds": step.seconds, "done": step.done} for step in written.steps
        ],
        "prompt": written.prompt,
        "seed": written.seed,
        "model": written.model,
        "revision": written.revision,
        "template": written.template,
        "template_version": written.template_version,
        "seconds": round(written.seconds, 3),
        "done": written.done,
        **_options(written.options),
        "parent_id": None,
        "checks": _checks(written.original, written.prompt, written.steps[STEPS.index("solve")].text, written.options)
        if written.done
        else [],
    }


def _options(options: Mapping[str, object]) -> View:
    """The options of an enhancement; None and empty where unset."""
    return {
        "style": options.get("style"),
        "length": options.get("length", "auto"),
        "locks": options.get("keep_words", []),
        "instruction": options.get("instruction"),
    }


def _checks(original: str, prompt: str, solve: str, options: Mapping[str, object]) -> list[View]:
    """The checks of the prompt: what the request named, and whether it was `held`. Changes by an instruction count as held."""
    keep_words = options.get("keep_words")
    wish = "" if options.get("instruction") else original
    return [
        asdict(one) for one in _checked(wish, prompt, solve, tuple(keep_words) if isinstance(keep_words, list) else ())
    ]


@lru_cache(maxsize=1024)
def _checked(original: str, prompt: str, solve: str, keep_words: tuple[str, ...]) -> tuple[Check, ...]:
    return check_prompt(original, prompt, solve=solve, keep_words=keep_words)


def available_options(found: AvailableOptions, lists: Iterable[str]) -> View:
    """The available enhancement options with their names and titles."""
    return {
        "follows": found.follows,
        "styles": [
            {"name": one.name, "title": one.titles["en"], "title_zh": one.titles["zh"], "words": one.words["en"]}
            for one in found.styles
        ],
        "lengths": list(found.lengths),
        "templates": list(found.templates),
        "lists": sorted(lists),
    }


def adapters(info: CheckpointInfo, found: Iterable[AdapterInfo]) -> View:
    """The adapters here, and whether they fit a checkpoint. `fits` is null if only loading can tell."""
    names = ("name", "title", "about", "triggers", "bytes", "fits", "problem")
    told = [{name: getattr(one, name) for name in names} | {"triggers": list(one.triggers)} for one in found]
    return {"checkpoint": info.name, "adapters": told}


def no_steps() -> list[View]:
    """The empty steps of an enhancement that has not begun."""
    return [{"name": name, "text": "", "seconds": None, "done": False} for name in STEPS]


def job(found: Job, *, position: int | None, eta_s: float | None) -> View:
    """An entry of the queue."""
    return {
        "id": found.id,
        "kind": found.kind,
        "status": found.status,
        "created_at": time(found.created_at),
        "prompt": str(found.spec.get("original_prompt", "")),
        "count": found.count,
        "drawn": len(found.pictures),
        "position": position,
        "eta_s": eta_s,
        "error": found.error,
        "private": is_private(found.id),
        "session": (found.mark or "") if is_private(found.id) else "",
    }


def parsed_metadata(found: ParsedMetadata) -> View:
    """The parsed metadata of an image."""
    size = found.told_size or (found.width, found.height)
    return {
        "kind": "picture",
        "name": found.name,
        "maker": found.maker,
        "format": found.format,
        "width": found.width,
        "height": found.height,
        "drawn_width": size[0],
        "drawn_height": size[1],
        "prompt": found.prompt,
        "negative_prompt": found.negative_prompt,
        "original_prompt": found.original_prompt,
        "seed": found.seed,
        "steps": found.steps,
        "guidance": found.guidance,
        "shift": found.shift,
        "sampler": found.sampler,
        "checkpoint": found.checkpoint,
        "loras": [{"name": name, "weight": weight} for name, weight in found.loras],
        "created_at": time(found.created_at),
        "rest": dict(found.rest),
        "notes": list(found.notes),
    }


def import_preview(found: ImportPreview) -> View:
    """A preview of an import."""
    return {"kind": "archive", **asdict(found)}


def import_result(found: ImportResult) -> View:
    """The result of an import."""
    return {"kind": "archive", **asdict(found)}


def share(found: Share, base_url: str) -> View:
    """A share link. `base_url` is the studio's public address without a trailing slash."""
    return {
        "token": found.token,
        "url": f"{base_url}/s/{found.token}",
        "expires_at": time(found.expires_at),
        "picture": found.picture_id,
        "revoked_at": time(found.revoked_at),
    }


def machine(found: Machine | None, state: EngineState, trouble: str | None, drawn: Iterable[Picture]) -> View:
    """The system status. `timings` are seconds of pictures, newest first. The device is null until it was chosen."""
    plan = found.plan if found else None
    return {
        "status": state.status,
        "checkpoint": state.checkpoint,
        "revision": state.revision,
        "message": state.message,
        "trouble": trouble,
        "device": found.device if found else None,
        "kind": found.kind if found else None,
        "numbers": found.numbers if found else None,
        "threads": found.threads if found else None,
        "total_gb": _gb(found.total_gb) if found else None,
        "free_gb": _gb(found.free_gb) if found else None,
        "plan": None if plan is None else {"why": plan.why, "hint": plan.hint, "ways": _ways(plan)},
        "options": [asdict(option) for option in found.options] if found else [],
        "timings": [
            {
                "id": one.id,
                "seconds": round(one.seconds, 3),
                "steps": one.steps,
                "width": one.width,
                "height": one.height,
                "checkpoint": one.checkpoint,
            }
            for one in drawn
        ],
    }


def _ways(plan: Plan) -> list[View]:
    """All plans for the checkpoint, best first, with memory and cost."""
    fields = ("place", "numbers", "encoder_numbers", "tiling", "fits")
    chosen = replace(plan, why="", hint="", others=())
    return [
        {
            **{name: getattr(one, name) for name in fields},
            "peak_gb": round(one.peak_gb, 2),
            "ram_gb": round(one.ram_gb, 2),
            "prompt_s": round(one.prompt_s, 1),
            "picture_s": round(one.picture_s, 1),
            "step_s": round(one.step_s, 2),
            "chosen": one == chosen,
        }
        for one in plan.others
    ]


def _gb(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def collection(found: Collection) -> View:
    """A collection or a saved search."""
    return {
        "id": found.id,
        "name": found.name,
        "created_at": time(found.created_at),
        "query": found.query,
        "count": found.count,
        "capped": found.capped,
        "cover_url": f"/media/thumbs/{found.cover_id}.webp" if found.cover_id else None,
    }


def time(moment: datetime | None) -> str | None:
    """A time in ISO 8601 format."""
    return moment.isoformat(timespec="milliseconds") if moment else None
