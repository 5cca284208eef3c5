"""A studio that files, draws, throws away and edits as fast as it can, in a process that is killed at random moments.

`python tests/faults/victim.py FOLDER KILLS SEED`. The real storage, queue and worker; the painting engine in the transformer's
place. What was promised is written to FOLDER/said as soon as it is: `filed JOB COUNT SEED`, `kept PICTURE`, `doomed PICTURE JOB`,
`cancelling JOB`. After each death SQLite looks through the database, and `dead INTEGRITY` is written.
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import sys
import time
from contextlib import closing, suppress
from pathlib import Path

import storage
from enhancer.enhancer import Enhancer
from studio.domain.request import GenerationRequest
from studio.errors import StudioError
from studio.services.maintenance import Maintenance
from studio.studio import Studio
from tests.fakes.engine import PaintEngine

ME = "me"


def studio_over(folder: Path, step_s: float = 0.002) -> Studio:
    """A studio that paints."""
    engine = PaintEngine(step_s=step_s)
    return Studio(storage.open(folder), engine, lambda info, own: Enhancer(engine.chat(), template=info.template))


def live(folder: Path, said: int, chance: random.Random) -> None:
    """Work until killed."""
    studio = studio_over(folder / "data")
    studio.start()

    def say(*words: object) -> None:
        os.write(said, (" ".join(map(str, words)) + "\n").encode())

    while True:
        with suppress(StudioError):  # a full queue, or a picture that is gone
            one_thing(studio, chance, say)
        time.sleep(chance.uniform(0, 0.01))


def one_thing(studio: Studio, chance: random.Random, say) -> None:  # type: ignore[no-untyped-def]
    """What somebody may do at a moment."""
    does = chance.random()
    seen = studio.library.history(ME, limit=10)["items"]
    if does < 0.5 or not seen:
        count, seed = chance.randint(1, 4), chance.randrange(2**40)
        wish = GenerationRequest.of(
            prompt="a cat", enhance=chance.random() < 0.3, count=count, seed=seed, width=128, height=128, steps=4
        )
        say("filed", studio.generation.submit(ME, wish), count, seed)
        return
    one = chance.choice(seen)
    picture = str(one["id"])
    say("kept", picture)
    if does < 0.6:
        studio.library.edit(ME, picture, favourite=True, tags=["a", "b"])
    elif does < 0.7:
        say("doomed", picture, one["job"])
        studio.library.delete(ME, picture)
        studio._storage.trash.empty(ME, [picture])
    elif does < 0.75 and (jobs := studio.jobs.unfinished(ME)):
        say("cancelling", jobs[-1]["id"])
        studio.generation.cancel(ME, str(jobs[-1]["id"]))
    elif does < 0.78:
        Maintenance(studio._storage, None).look()
    else:
        studio.generation.vary(ME, picture)


def promises(folder: Path) -> int:
    """How many lines were written to FOLDER/said."""
    return (folder / "said").read_bytes().count(b"\n")


def main(folder: Path, kills: int, seed: int) -> None:
    """Start, kill, look, and again."""
    chance = random.Random(seed)
    said = os.open(folder / "said", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for _ in range(kills):
        lines, moment, own = chance.randint(1, 6), chance.uniform(0.0, 0.1), random.Random(chance.random())
        child = os.fork()
        if child == 0:
            try:
                live(folder, said, own)
            finally:
                os._exit(1)
        before = promises(folder)
        while promises(folder) < before + lines:  # each life does some work, however slow the machine
            time.sleep(0.01)
        time.sleep(moment)
        os.kill(child, signal.SIGKILL)
        died = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        whole = "none yet"
        if (folder / "data" / "studio.db").exists():
            with closing(sqlite3.connect(folder / "data" / "studio.db")) as connection:
                whole = connection.execute("PRAGMA integrity_check").fetchone()[0]
        os.write(said, f"dead {died} {whole}\n".encode())


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
