"""An archive of a million pictures: pages, searches and inserts while somebody writes, against a plain LIKE search.

`python -m bench.history`. Fills a database in a folder (kept with --folder, and then used again), measures in one run, prints a table
and whether each bar is met: first and later pages 20 ms, searches 50 ms, inserts 5 ms at the 95th percentile; two words at least 50
times faster than LIKE over the same rows.
"""

from __future__ import annotations

import argparse
import random
import sqlite3
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

from PIL import Image

import storage
from bench.archive_filler import OWNER, Words, fill
from storage.records import Job, NewJob, NewPicture, QueueLimits
from storage.search.pages import PageRequest

PAGE_MS, SEARCH_MS, INSERT_MS, TIMES = 20.0, 50.0, 5.0, 50.0
LIKES = 12  # searches by LIKE: each reads all rows
WRITES_S = 0.05  # between two pictures of the writer

FILTERS = (
    "rating:>=4", "is:favourite steps:20", "size:1536x1024 tag:sea", "after:2026-10 checkpoint:turbo", "before:2020", "has:note",
)  # fmt: skip

Line = tuple[str, list[float], float | None]  # what was measured, milliseconds, and the bar


def main() -> None:
    """Fill, measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.history", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="where the archive is kept, to be used again")
    parser.add_argument("--rounds", type=int, default=200, help="measurements of each kind (default 200)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as aside:
        store = filled(options.folder or Path(aside), options.rows)
        try:
            measure(store, options.rounds)
        finally:
            store.close()


def filled(folder: Path, rows: int) -> storage.Storage:
    """The archive of a folder; where there is none, one of so many pictures is made."""
    database = folder / "studio.db"
    there = database.exists()
    store = storage.open(folder)
    if not there:
        begun = time.perf_counter()
        fill(database, rows, _progress)
        print(f"filled in {time.perf_counter() - begun:.0f} s, {database.stat().st_size / 1e9:.2f} GB", flush=True)
    return store


def measure(store: storage.Storage, rounds: int) -> None:
    """Print the table."""
    words, total = Words(7), store.pictures.page(PageRequest(owner=OWNER, limit=1)).total
    print(
        f"{total:,} pictures of one owner, of all {_all(store):,}; {rounds} measurements of each kind, a writer beside them"
    )
    with writer(store) as written:
        lines: list[Line] = [
            ("first page", _timed(rounds, lambda n: store.pictures.page(PageRequest(owner=OWNER))), PAGE_MS),
            ("page after page", _walk(store, rounds), PAGE_MS),
            ("page at a random date", _jumps(store, rounds), PAGE_MS),
        ]
        searches = queries(words)
        for kind, typed in searches.items():
            lines.append((f"search: {kind}", _searched(store, rounds, typed), None))
        mixed = [ms for name, found, _ in lines if name.startswith("search") for ms in found]
        lines.append(("search: all of these", mixed, SEARCH_MS))
        odd = _searched(store, rounds, lambda n: f'"on a {searches["a common word"](n)} plain"')
        lines.append(("(a phrase of common words that hardly occurs)", odd, None))
        ranked = _timed(
            rounds,
            lambda n: store.pictures.page(PageRequest(owner=OWNER, query=searches["two words"](n), sort="relevance")),
        )
        lines.append(("best of the newest 2,000", ranked, None))
        lines.append(("insert, while all of these were measured", written, None))
    lines.append(("insert: the row and its index", _inserts(store, rounds), INSERT_MS))
    print(f"{'':44}{'median':>9}{'p95':>9}{'most':>9}   bar")
    for name, found, bar in lines:
        told = "" if bar is None else f"   {bar:g} ms: {'met' if _p95(found) < bar else 'NOT met'}"
        print(f"{name:44}{statistics.median(found):8.2f} {_p95(found):8.2f} {max(found):8.2f} {told}", flush=True)
    _against_like(store, searches["two words"])


def queries(words: Words) -> dict[str, Callable[[int], str]]:
    """What people type, by kind; each gives its nth text."""
    chance = random.Random(11)
    common, rare = words.english[:150], words.english[2_000:]

    def chinese(length: int) -> str:
        text = "".join(chance.choice(words.chinese).split())
        at = chance.randrange(max(1, len(text) - length))
        return text[at : at + length].strip("，。“”") or "兔"

    return {
        "a common word": lambda n: chance.choice(common),
        "a rare word": lambda n: chance.choice(rare),
        "two words": lambda n: f"{chance.choice(common)} {chance.choice(words.english[:3_000])}",
        "the beginning of a word": lambda n: chance.choice(words.english[:5_000])[: chance.randint(1, 6)],
        "a phrase": lambda n: f'"{" ".join(chance.choice(words.phrases)[:4])}"',
        "with one left out": lambda n: f"{chance.choice(common)} -{chance.choice(common)}",
        "one Chinese character": lambda n: chinese(1),
        "a Chinese word": lambda n: chinese(2),
        "filters": lambda n: chance.choice((*FILTERS, f"seed:{n}")),
        "words and filters": lambda n: f"{chance.choice(common)} rating:5 checkpoint:base",
        "nothing there": lambda n: f"xylophonist{n}",
    }  # fmt: skip


def _timed(rounds: int, call: Callable[[int], object]) -> list[float]:
    found = []
    for number in range(rounds):
        begun = time.perf_counter()
        call(number)
        found.append(1000 * (time.perf_counter() - begun))
    return found


def _walk(store: storage.Storage, rounds: int) -> list[float]:
    cursor: list[str | None] = [None]

    def step(number: int) -> None:
        cursor[0] = store.pictures.page(PageRequest(owner=OWNER, cursor=cursor[0], limit=60)).next

    return _timed(rounds, step)


def _jumps(store: storage.Storage, rounds: int) -> list[float]:
    span = store.pictures.span(OWNER)
    assert span is not None
    chance, whole = random.Random(3), (span[1] - span[0]).total_seconds()
    return _timed(
        rounds,
        lambda n: store.pictures.page(
            PageRequest(owner=OWNER, at=span[0] + timedelta(seconds=chance.random() * whole))
        ),
    )


@contextmanager
def writer(store: storage.Storage) -> Iterator[list[float]]:
    """Somebody who draws meanwhile: pictures added whole, with their files. Gives what each insert took, in ms."""
    took, stop = list[float](), threading.Event()
    job, image = _job(store, 100_000), Image.new("RGB", (64, 64), "purple")

    def write() -> None:
        number = 0
        while not stop.is_set():
            begun = time.perf_counter()
            store.pictures.add(_new(job, number), image, finish=False)
            took.append(1000 * (time.perf_counter() - begun))
            number += 1
            stop.wait(WRITES_S)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield took
    finally:
        stop.set()
        thread.join()


def _inserts(store: storage.Storage, rounds: int) -> list[float]:
    job = _job(store, 100_000)
    return _timed(
        rounds, lambda n: store.pictures.keep_row(_new(job, n), f"bench{job.id}{n}", "0" * 64, 1000, finish=False)
    )


def _job(store: storage.Storage, count: int) -> Job:
    return store.jobs.add(
        NewJob(owner=OWNER, kind="generate", spec={}, count=count), QueueLimits(per_owner=10**6, total=10**6)
    )


def _new(job: Job, index: int) -> NewPicture:
    words = f"three rabbits number {index} on a plain purple background, soft light from the left, painted with thick strokes of oil"
    return NewPicture(
        owner=OWNER, job_id=job.id, index=index, prompt=words, original_prompt="three rabbits", negative_prompt="", seed=index, width=64,
        height=64, steps=8, guidance=0.0, shift=3.0, checkpoint="turbo", revision="r", recipe={"format": 1}, environment={}, seconds=1.0,
    )  # fmt: skip


def _against_like(store: storage.Storage, typed: Callable[[int], str]) -> None:
    """Two words by the index and by LIKE over the same rows: the page and its count, as a plain search asks for them."""
    mine, plain = [], []
    file = store.folder / "studio.db"
    with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        for number in range(LIKES):
            query = typed(number)
            mine += _searched(store, 1, partial(_same, query))
            plain += _timed(1, partial(_like, connection, query))
    times = statistics.median(plain) / statistics.median(mine)
    told = "met" if times >= TIMES else "NOT met"
    print(
        f"two words: LIKE takes {statistics.median(plain):.0f} ms, ours {statistics.median(mine):.2f} ms (medians of {LIKES}): ",
        end="",
    )
    print(f"{times:.0f} times faster, wanted {TIMES:g}: {told}")


def _same(query: str, number: int) -> str:
    return query


def _searched(store: storage.Storage, rounds: int, typed: Callable[[int], str]) -> list[float]:
    return _timed(rounds, lambda n: store.pictures.page(PageRequest(owner=OWNER, query=typed(n))))


def _like(connection: sqlite3.Connection, query: str, number: int) -> object:
    where = " AND ".join("(prompt LIKE ? OR original_prompt LIKE ?)" for _ in query.split())
    values = [f"%{word}%" for word in query.split() for _ in range(2)]
    where = f"owner = ? AND deleted_at IS NULL AND {where}"
    page = connection.execute(
        f"SELECT * FROM pictures WHERE {where} ORDER BY created_at DESC LIMIT 24", [OWNER, *values]
    ).fetchall()
    return page, connection.execute(f"SELECT count(*) FROM pictures WHERE {where}", [OWNER, *values]).fetchone()


def _p95(found: list[float]) -> float:
    return sorted(found)[int(0.95 * (len(found) - 1))]


def _all(store: storage.Storage) -> int:
    with closing(sqlite3.connect(store.folder / "studio.db")) as connection:
        return int(connection.execute("SELECT sum(kept) FROM tallies").fetchone()[0])


def _progress(done: int, rows: int) -> None:
    print(f"\r{done:,} of {rows:,} rows", end="\n" if done >= rows else "", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
