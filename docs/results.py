"""The shapes of the endpoints' results, for docs/api.md. The tests of the API compare them with real answers."""

from __future__ import annotations

PICTURE, ENHANCEMENT, JOB, ENTRY, COLLECTION, LINK = (
    "picture",
    "enhancement",
    "job",
    "queue entry",
    "collection",
    "link",
)

RECORDS: dict[str, dict[str, str]] = {
    PICTURE: {
        "id": "its id",
        "created_at": "ISO 8601, UTC",
        "url, thumb_url": "paths of the PNG and of the WebP thumbnail",
        "width, height": "pixels",
        "seed, steps, guidance, shift, cfg_normalization, cfg_truncation": "settings of its sampling",
        "variation_of": "pairs of a seed and a strength",
        "source, strength": "SHA-256 of its source image's pixels, and how far it moved away; null without one",
        "adapters": "a list of {name, weight, sha256}",
        "prompt": "the final prompt",
        "original_prompt": "the prompt as it was typed",
        "negative_prompt": "empty without one",
        "checkpoint, revision": "the weights; the revision of a folder is a hash of its files",
        "pixel_sha256": "SHA-256 of its RGB pixels",
        "enhancement": "an enhancement, or null",
        "edited": "whether the enhancement's prompt was edited",
        "parent_id": "the picture that it was made from, or null",
        "job": "the id of its job",
        "seconds": "duration of its generation",
        "environment": "device, libraries and options that it was generated with",
        "favourite, rating, tags, note": "what its owner noted; the rating is 1 to 5 or null",
        "deleted_at, expires_at": "when it was trashed, and when the trash removes it; null outside the trash",
        "missing": "whether its file is lost",
        "private": "whether it is held in memory only",
    },
    ENHANCEMENT: {
        "id": "its id; null until it is stored",
        "original": "the prompt that was enhanced",
        "steps": "always keep, solve, compose and text: a list of {name, text, seconds, done}",
        "prompt": "the resulting prompt",
        "seed, model, revision, template, template_version": "what made it",
        "seconds, done": "its duration so far, and whether it is complete",
        "style, length, locks, instruction": "its options",
        "parent_id": "the enhancement that it refined, or null",
        "checks": "what must stay, and whether it does: a list of {kind, wanted, held}",
    },
    JOB: {
        "job": "its id",
        "kind": "generate, enhance, rerun or import",
        "status": "queued, running, done, failed or cancelled",
        "phase": "what is done now: loading, waiting, reasoning, drawing or saving",
        "message": "why it waits, or empty",
        "position": "number of jobs before it while it is queued, or null",
        "index, count": "the current picture, and their number",
        "step, steps": "the current step of the current picture, and their number",
        "eta_s": "seconds to its end, or null while unknown",
        "preview": "path of a preview of the current picture, or null",
        "prompt, drawn_prompt": "the prompt, and the final one if no enhancement comes first",
        "enhance": "whether the prompt is enhanced first",
        "seed, width, height": "of its first picture",
        "enhancement": "the enhancement, also while it is written, or null",
        "pictures": "the finished pictures",
        "warning": "that the encoder truncates the prompt, or null",
        "error": "why it failed, or null",
        "private, session": "whether it is private, and its session",
    },
    ENTRY: {
        "id, kind, status, created_at, prompt, count": "as in a job",
        "drawn": "number of finished pictures",
        "position, eta_s, error, private, session": "as in a job",
    },
    COLLECTION: {
        "id, name, created_at": "",
        "query": "of a saved search; null for pictures added by hand",
        "count, capped": "number of pictures, and whether there are more than were counted",
        "cover_url": "path of its cover's thumbnail, or null",
    },
    LINK: {
        "token, url": "the link",
        "picture": "the id of the picture",
        "expires_at, revoked_at": "ISO 8601, UTC; the latter is null while it is valid",
    },
}
"""What the records of results contain. Keys with one meaning are written together, with commas."""

RESULTS: dict[str, str] = {
    "generate": "stream of a job",
    "enhance": "stream of an enhancement with the keys job, status, phase, message, position, eta_s and error of its job",
    "refine": "stream as of /enhance",
    "describe": "stream of {prompt, done}",
    "upload": "a picture",
    "options": "{follows, styles: [{name, title, title_zh, words}], lengths, templates, lists}",
    "adapters": "{checkpoint, adapters: [{name, title, about, triggers, bytes, fits, problem}]}",
    "rerun": "stream of a job; the last message has identical, or false and changed: [{what, was, is}]",
    "vary": "stream of a job",
    "retry": "stream of a job",
    "cancel": "{job, status}",
    "jobs": "a list of queue entries",
    "history": "{items: [picture], next, previous, total, more, capped, ranked}",
    "picture": "a picture",
    "edit": "a picture",
    "edit_many": "{items: [picture]}",
    "delete": "a picture",
    "delete_many": "{items: [picture]}",
    "restore": "a picture",
    "restore_many": "{items: [picture]}",
    "purge": "{gone, bytes, leaning, staying, until}",
    "tags": "{tags: [{tag, count}]}",
    "ancestry": "{nodes: [{id, thumb_url, prompt, seed, width, height, deleted}], edges: [{from, to, relation}], more}",
    "compare": "{settings: [{what, was, is}], prompt, original: [{kind, text}], environment, pixels: {identical, share, mean, most}}",
    "share": "a link",
    "unshare": "a link",
    "collections": "{collections: [collection]}",
    "new_collection": "a collection",
    "edit_collection": "a collection",
    "add_to_collection": "a collection",
    "move_in_collection": "a collection",
    "delete_collection": "{collection}",
    "end_private_session": "{stopped: [id of a job]}",
    "system": "{status, checkpoint, revision, message, trouble, device, kind, numbers, threads, total_gb, free_gb, "
    "plan: {why, hint, ways}, options: [{name, value, why, exact, tried}], timings: [{id, seconds, steps, width, height, checkpoint}]}",
    "download_checkpoint": "{checkpoint, status, message, fraction}",
}
"""What each endpoint returns."""


def keys(record: str) -> set[str]:
    """The keys of a record."""
    return {key for written in RECORDS[record] for key in written.split(", ")}
