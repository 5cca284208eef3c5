"""An archive as somebody would have after years: rows with the distributions of real ones, quickly written.

Knows the tables and no page. Words come from the tests' wishes and the enhancer's lists, and behind them a long tail of made-up ones.
"""

from __future__ import annotations

import json
import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timedelta, timezone
from itertools import accumulate
from pathlib import Path

from storage.search import filters, query_parser

OWNER = "home"
OTHERS = 9  # owners, with a tenth of the pictures together
ROOT = Path(__file__).resolve().parents[1]
SIZES = ((1024, 1024), (768, 1024), (1024, 768), (1280, 720), (720, 1280), (1536, 1024))
TAGS = ("sea", "portrait", "client", "ink", "draft", "best", "logo", "季节", "城市", "new york")
CHECKPOINTS = ("turbo", "base", "pocket", "turbo-ink-v2")
BATCH = 5_000
PHRASES = 0.3  # of what is put together: words that stand beside each other in what people write
ENVIRONMENT = '{"torch": "2.11", "device": "cuda"}'
WORDS = 30_000  # in the long tail
SYLLABLES = ("ka", "lo", "mi", "ren", "ta", "vu", "shi", "or", "el", "qua", "ne", "po", "dra", "bel", "un", "zi")


class Words:
    """Words as people write them: few often, many seldom."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        wishes = [json.loads(line) for line in (ROOT / "tests/data/wishes.jsonl").read_text("utf-8").splitlines()]
        self.chinese = [one["solved"] for one in wishes if one["language"] == "zh" and one["solved"]]
        known = [
            word.strip(".,")
            for one in wishes
            if one["language"] == "en" and one["solved"]
            for word in one["solved"].split()
        ]
        self.phrases = [_phrase(one["solved"]) for one in wishes if one["language"] == "en" and one["solved"]]
        lists = json.loads((ROOT / "enhancer/lists/en.json").read_text("utf-8"))
        known += [word for values in lists.values() for value in values for word in value.split()]
        often = sorted(set(known), key=known.count, reverse=True)
        tail = ["".join(self.random.choices(SYLLABLES, k=self.random.choice((2, 3, 3, 4)))) for _ in range(WORDS)]
        self.english = list(dict.fromkeys([*often, *tail]))
        self.weights = list(accumulate(1 / (place + 8) for place in range(len(self.english))))

    def some(self, count: int, chinese: bool) -> str:
        """A text of about so many words."""
        if chinese:
            return "，".join(self.random.choices(self.chinese, k=max(1, count // 8)))
        found: list[str] = []
        while len(found) < count:
            if self.random.random() < PHRASES:
                found += self.random.choice(self.phrases)
            else:
                found += self.random.choices(self.english, cum_weights=self.weights, k=4)
        return " ".join(found[:count])


def _phrase(sentence: str) -> list[str]:
    """The second half of a sentence: where things are."""
    words = [word.strip(".,") for word in sentence.split()]
    return words[len(words) // 2 :][:5]


def fill(database: Path, rows: int, tell: Callable[[int, int], None], *, seed: int = 1) -> None:
    """Write `rows` pictures, with jobs, enhancements, tags and one collection, into a database that has just been made."""
    words, begun = Words(seed), datetime(2026, 11, 1, tzinfo=timezone.utc) - timedelta(seconds=30 * rows)
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -400000")
        last = 0.0
        for first in range(0, rows, BATCH):
            connection.execute("BEGIN")
            _batch(connection, words, range(first, min(rows, first + BATCH)), begun)
            connection.execute("COMMIT")
            if time.monotonic() - last > 2:
                tell(first + BATCH, rows)
                last = time.monotonic()
        _words(connection)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA optimize")


def _batch(connection: sqlite3.Connection, words: Words, numbers: range, begun: datetime) -> None:
    made = [row for number in numbers for row in _rows(words, number, begun)]
    for table, columns in _COLUMNS.items():
        names = [f'"{name}"' for name in columns]
        sql = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
        connection.executemany(sql, (values for where, values in made if where == table))


_COLUMNS = {
    "enhancements": (
        "id", "owner", "created_at", "original", "steps", "prompt", "seed", "model", "revision", "template", "template_version",
        "sampling", "seconds", "options",
    ),
    "jobs": (
        "id", "owner", "kind", "status", "created_at", "finished_at", "spec", "count", "enhancement_id", "cancel_requested", "crashes",
    ),
    "pictures": (
        "key", "id", "owner", "job_id", "index", "created_at", "prompt", "original_prompt", "negative_prompt", "seed", "width", "height",
        "steps", "guidance", "shift", "checkpoint", "revision", "recipe", "environment", "seconds", "enhancement_id", "pixel_sha256",
        "bytes", "favourite", "rating", "deleted_at", "note",
    ),
    "picture_tags": ("owner", "folded", "picture_key", "position", "tag"),
    "picture_texts": ("key", "owner", "prompt", "original", "negative", "reasoning", "tags", "note", "facts"),
}  # fmt: skip


def _rows(words: Words, number: int, begun: datetime) -> Iterator[tuple[str, tuple[object, ...]]]:
    """A picture, and with every second one the job and the reasoning that it shares with the next."""
    chance = random.Random(number // 2)
    mine, chinese, thought = chance.random() < 0.9, chance.random() < 0.25, chance.random() < 0.6
    owner = OWNER if mine else f"other-{chance.randrange(OTHERS)}"
    moment = begun + timedelta(seconds=30 * number)
    stamp = moment.strftime("%Y-%m-%d %H:%M:%S.%f")
    pair = f"{number // 2:024x}"
    job, enhancement = f"a{pair[1:]}", f"e{pair[1:]}" if thought else None
    words.random.seed(number // 2)
    original = words.some(chance.randint(3, 14), chinese)
    reasoning = [words.some(chance.randint(6, 22), chinese) for _ in range(4)]
    prompt = f"{original}, {words.some(chance.randint(25, 60), chinese)}" if thought else original
    if number % 2 == 0:
        if enhancement:
            chain = [
                {"name": name, "text": text, "seconds": 0.4}
                for name, text in zip(("keep", "solve", "compose", "text"), reasoning, strict=True)
            ]
            told = json.dumps(chain, ensure_ascii=False)
            yield (
                "enhancements",
                (enhancement, owner, stamp, original, told, prompt, number, "qwen", "r", "chain", "1", "{}", 2.5, "{}"),
            )
        yield "jobs", (job, owner, "generate", "done", stamp, stamp, "{}", 2, enhancement, 0, 0)
    width, height = chance.choices(SIZES, (50, 15, 15, 8, 8, 4))[0]
    own = random.Random(number + 10**9)
    seed, steps, checkpoint = (
        own.randrange(2**53),
        own.choices((8, 9, 20, 28), (80, 8, 6, 6))[0],
        chance.choices(CHECKPOINTS, (70, 15, 10, 5))[0],
    )
    favourite, trashed = own.random() < 0.05, own.random() < 0.02
    rating = own.choices(range(6), (85, 1, 2, 4, 5, 3))[0]
    tags = own.sample(TAGS, own.randint(1, 3)) if own.random() < 0.1 else []
    note = words.some(6, chinese) if own.random() < 0.02 else ""
    key = filters.key_of(moment)
    yield "pictures", (
        key, f"{number:024x}", owner, job, number % 2, stamp, prompt, original, "", seed, width, height, steps, 0.0, 3.0, checkpoint, "r",
        json.dumps({"format": 1, "prompt": prompt, "seed": seed}, ensure_ascii=False), ENVIRONMENT, 1.4, enhancement,
        f"{number:064x}", 1_400_000, favourite, rating, stamp if trashed else None, note,
    )  # fmt: skip
    folded = [query_parser.fold(tag) for tag in tags]
    yield from (
        ("picture_tags", (owner, one, key, place, tag))
        for place, (one, tag) in enumerate(zip(folded, tags, strict=True))
    )
    facts = filters.FilterableFields(
        seed=seed, steps=steps, width=width, height=height, guidance=0.0, checkpoint=checkpoint, rating=rating, tags=folded,
        favourite=favourite, enhancement=thought, note=bool(note),
    )  # fmt: skip
    yield "picture_texts", (
        key, query_parser.owner_token(owner, trash=trashed), query_parser.indexed(prompt), query_parser.indexed(original), "",
        query_parser.indexed(" ".join(reasoning)) if thought else "", query_parser.indexed(" ".join(tags)),
        query_parser.indexed(note), filters.tokens(facts),
    )  # fmt: skip


def _words(connection: sqlite3.Connection) -> None:
    """The words that are there, as the index knows them."""
    connection.execute("CREATE VIRTUAL TABLE temp.filled USING fts5vocab(main, picture_search, 'col')")
    connection.execute(
        "INSERT OR IGNORE INTO search_words SELECT term FROM temp.filled WHERE col NOT IN ('owner', 'facts') OR term LIKE 'checkpoint%'"
    )
    connection.execute("DROP TABLE temp.filled")
