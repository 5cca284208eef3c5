"""What the reasoning is worth: wishes with answers, drawn as they are, drawn from the enhancer's prompt, and drawn as solved by hand.

`python -m bench.enhancer`. The wishes are those of tests/data/wishes.jsonl, of which Pocket's training saw none: half are captions that
leave nothing out, the others riddles, sums and vague wishes. Of each three pictures are drawn with one seed and judged by their pixels.

By hand, a picture is right if it shows the scene of the solved prompt. On, it is right if it shows the scene that the enhancer's prompt
tells and that scene is one that the wish allows: what the wish leaves open, its line of the file says. Off there is no prompt to hold
the picture against, so all that is open (a background, for vague wishes the things and words) is taken as the judge reads it in the
picture: it is right if what it shows, whatever that is, is allowed. So off is judged more kindly than on.

It prints the speed of the reasoning, a table, and whether the bars are met, which the exit code tells too. A vague wish's theme is no
secret of the held-out side, only the combination of things that solves it. `--make` writes the file anew.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING, Any

from bench.serving import ROOT

if TYPE_CHECKING:
    import numpy as np
    from diffusers import ZImagePipeline
    from numpy.typing import NDArray

    from enhancer.base import ChatModel, Message, Sampling
    from enhancer.enhancer import Enhancer, EnhancerSettings
    from pocket.dialogues import Asked, Dialogue
    from pocket.words import Language
    from pocket.world import Pixels, Scene

FILE = ROOT / "tests" / "data" / "wishes.jsonl"
COUNTS = {"plain": 150, "riddle": 50, "sum": 50, "vague": 50}
"""How many wishes of each kind the file has in each language."""
BLOCK = ("plain", "riddle", "plain", "sum", "plain", "vague")
"""The order in the file, each in both languages, so that any beginning of it has all kinds in their shares."""
PLAIN, HARD = ("plain",), ("riddle", "sum", "vague")
OFF_BAR, ON_BAR, PLAIN_BAR = 0.10, 0.93, 0.03
"""Of what is not plain: the most that may be right off, and the least part of those by hand that must be right on. Of
what is plain: by how much less may be right on than off."""


@dataclass(frozen=True, kw_only=True)
class Wish:
    """A line of the file. `open` is what may differ from the solved prompt's scene, `kinds` what alone may be chosen (empty for any)."""

    kind: str
    language: Language
    wish: str
    solved: str
    open: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()

    @property
    def scene(self) -> Scene:
        """The scene that the solved prompt tells. Raises ValueError where it tells none."""
        from pocket.reading import parse

        if (scene := parse(self.solved).scene()) is None:
            raise ValueError(f"a solved prompt must tell a scene; got {self.solved!r}")
        return scene

    @property
    def asked(self) -> Asked:
        from pocket.dialogues import Asked

        return Asked(open=self.open, kinds=self.kinds)

    def allows(self, scene: Scene) -> bool:
        """Whether a scene is one that the wish asks for, in all that it does not leave open."""
        from pocket.dialogues import Dialogue
        from pocket.dialogues.answers import answer
        from pocket.measure_language import is_right

        wanted = Dialogue(
            kind=self.kind, language=self.language, wish=self.wish, answer="", scene=self.scene, asked=self.asked
        )
        return is_right(wanted, answer(scene, self.language, "-", "-"))


def main() -> None:
    """Measure and print; ends with code 1 where a bar is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench.enhancer", description=__doc__)
    parser.add_argument("--count", type=int, help="only so many wishes, of all kinds in their shares")
    parser.add_argument("--batch", type=int, default=1, metavar="N", help="pictures drawn N at a time (default 1)")
    parser.add_argument("--threads", type=int, default=1, help="threads of torch (default 1)")
    parser.add_argument("--wrong", action="store_true", help="print the wishes that the enhancer got wrong")
    parser.add_argument("--make", action="store_true", help="write the file of wishes and measure nothing")
    options = parser.parse_args()
    if options.make:
        FILE.parent.mkdir(exist_ok=True)
        FILE.write_text("".join(f"{line}\n" for line in drawn_lines()), encoding="utf-8")
        return
    import torch

    torch.set_num_threads(options.threads)
    pocket = Pocket()
    outcomes = list(measured(pocket, wishes()[: options.count], options.batch))
    for one in outcomes if options.wrong else ():
        if not one.on:
            print(f"{one.wish.kind} {one.wish.wish!r} -> {one.prompt!r} (allowed: {'yes' if one.allowed else 'no'})")
    print(f"torch {torch.__version__}, {options.threads} threads, {options.batch} pictures at a time")
    print(pocket.speed())
    print(table(outcomes))
    sys.exit(0 if meets_bars(outcomes) else 1)


# The file.


def wishes() -> list[Wish]:
    """All wishes of the file, in its order."""
    return [_wish(json.loads(line)) for line in FILE.read_text(encoding="utf-8").splitlines()]


def _wish(row: dict[str, Any]) -> Wish:
    open_: dict[str, list[str]] = row.pop("class") or {"open": [], "kinds": []}
    return Wish(**row, open=frozenset(open_["open"]), kinds=frozenset(open_["kinds"]))


def drawn_lines() -> list[str]:
    """The lines of the file, drawn by chance from what Pocket's training leaves out; always the same."""
    from pocket.words import LANGUAGES

    made = {(kind, language): _drawn(kind, language, COUNTS[kind]) for kind in COUNTS for language in LANGUAGES}
    return [made[kind, language].pop(0) for _ in range(COUNTS["vague"]) for kind in BLOCK for language in LANGUAGES]


def _drawn(kind: str, language: Language, count: int) -> list[str]:
    """Lines of one kind, no wish twice."""
    from pocket.dialogues import draw_dialogue, read_sections

    rng = Random(f"wishes/{kind}/{language}")
    made: dict[str, str] = {}
    while len(made) < count:
        dialogue = draw_dialogue(rng, held_out=True, kind=kind, language=language)
        solved = (read_sections(dialogue.answer) or {})["prompt"]
        plain_open = kind == "plain" and (dialogue.asked.open or dialogue.wish == solved)
        if not plain_open:
            made.setdefault(dialogue.wish.casefold().strip(" .。"), _line(dialogue, solved))
    return list(made.values())


def _line(dialogue: Dialogue, solved: str) -> str:
    asked = dialogue.asked
    row = {
        "kind": dialogue.kind,
        "language": dialogue.language,
        "wish": dialogue.wish,
        "solved": solved,
        "class": {"open": sorted(asked.open), "kinds": sorted(asked.kinds)} if asked.open else None,
    }
    return json.dumps(row, ensure_ascii=False)


# Reasoning.


@dataclass
class Heard:
    """A chat model that is listened to: how many tokens it wrote, and in how many seconds, each answer's first piece aside."""

    chat: ChatModel
    tokens: Callable[[str], int]
    written: int = 0
    seconds: float = 0.0

    @property
    def name(self) -> str:
        return self.chat.name

    @property
    def revision(self) -> str:
        return self.chat.revision

    def stream(self, messages: Sequence[Message], sampling: Sampling, cancelled: Callable[[], bool]) -> Iterator[str]:
        pieces = iter(self.chat.stream(messages, sampling, cancelled))
        if (piece := next(pieces, None)) is None:
            return
        heard: list[str] = []
        while piece is not None:
            yield piece
            begun = time.perf_counter()
            piece = next(pieces, None)
            self.seconds += time.perf_counter() - begun
            heard.append(piece or "")
        self.written += self.tokens("".join(heard))


def reasoner(chat: ChatModel) -> Enhancer:
    """The enhancer as the studio sets it for Pocket."""
    from enhancer.enhancer import Enhancer

    return Enhancer(chat, template="pocket", settings=EnhancerSettings(temperature=0.4, top_p=0.9, follows=False))


class Pocket:
    """Pocket in memory: it reasons and draws. Keeps how long each rewriting took."""

    def __init__(self) -> None:
        from enhancer.models.resident import ResidentChat
        from pocket.export import CHECKPOINT
        from pocket.measure import load

        self.pipeline: ZImagePipeline = load(CHECKPOINT)
        tokenizer = self.pipeline.tokenizer
        chat = ResidentChat(self.pipeline.text_encoder, tokenizer, name="pocket", revision="")
        self._heard = Heard(chat, lambda text: len(tokenizer(text)["input_ids"]))
        self._reasoner = reasoner(self._heard)
        self._first: list[float] = []
        self._whole: list[float] = []

    def rewritten(self, wish: str, seed: int) -> str:
        """The enhancer's final prompt, or nothing where it has none."""
        from enhancer.errors import EnhancerError

        begun, first, prompt = time.perf_counter(), None, ""
        try:
            for draft in self._reasoner.enhance(wish, seed=seed):
                if first is None and any(step.text for step in draft.steps):
                    first = time.perf_counter() - begun
                prompt = draft.prompt if draft.done else ""
        except EnhancerError:
            return ""
        self._whole.append(time.perf_counter() - begun)
        self._first += [] if first is None else [first]
        return prompt

    def drawn(self, prompts: Sequence[str], seeds: Sequence[int], batch: int) -> list[Pixels]:
        """The pictures of prompts, each by its own seed, in 8 steps without guidance."""
        import numpy as np
        import torch

        from pocket.measure import STEPS
        from pocket.world import SIDE

        pixels: list[Pixels] = []
        for start in range(0, len(prompts), batch):
            generators = [torch.Generator().manual_seed(seed) for seed in seeds[start : start + batch]]
            images = self.pipeline(
                list(prompts[start : start + batch]),
                width=SIDE,
                height=SIDE,
                num_inference_steps=STEPS,
                guidance_scale=0.0,
                generator=generators,
            ).images
            pixels += [np.asarray(image.convert("RGB")) for image in images]
        return pixels

    def latents(self, pixels: Pixels) -> NDArray[np.float32]:
        """What the VAE makes of a picture."""
        import numpy as np
        import torch

        picture = torch.from_numpy(pixels.astype(np.float32) / 127.5 - 1).permute(2, 0, 1)[None]
        with torch.inference_mode():
            latents: NDArray[np.float32] = self.pipeline.vae.encode(picture).latent_dist.mode().numpy()
        return latents

    def speed(self) -> str:
        """How fast it reasoned, in words."""
        first, whole = statistics.median(self._first), statistics.median(self._whole)
        rate = self._heard.written / self._heard.seconds
        return (
            f"the first step of reasoning is seen after {first:.3f} s (median; at most {max(self._first):.3f}), the whole "
            f"is there after {whole:.2f} s (median; at most {max(self._whole):.2f}); {rate:.0f} tokens a second"
        )


# Judging.


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Whether a wish's three pictures are right; the enhancer's prompt, and whether its scene is one that the wish allows."""

    wish: Wish
    off: bool
    on: bool
    by_hand: bool
    prompt: str
    allowed: bool


def measured(pocket: Pocket, asked: Sequence[Wish], batch: int) -> Iterator[Outcome]:
    """An outcome for each wish; tells on stderr how far it is. A wish's number is its seed, in the reasoning and in all pictures."""
    begun = time.monotonic()
    for start in range(0, len(asked), batch):
        some = asked[start : start + batch]
        seeds = range(start, start + len(some))
        prompts = [pocket.rewritten(one.wish, seed) for one, seed in zip(some, seeds, strict=True)]
        off = pocket.drawn([one.wish for one in some], seeds, batch)
        on = pocket.drawn([prompt or one.wish for one, prompt in zip(some, prompts, strict=True)], seeds, batch)
        by_hand = pocket.drawn([one.solved for one in some], seeds, batch)
        for row in zip(some, prompts, off, on, by_hand, strict=True):
            yield outcome(*row)
        progress(start + len(some), len(asked), begun)


def progress(done: int, whole: int, begun: float) -> None:
    """How far it is, and how long it will still take, on one line of stderr."""
    left = (time.monotonic() - begun) / done * (whole - done)
    print(f"\r{done} of {whole}, {left:.0f} s left  ", end="" if done < whole else "\n", file=sys.stderr, flush=True)


def outcome(wish: Wish, prompt: str, off: Pixels, on: Pixels, by_hand: Pixels) -> Outcome:
    """Judges a wish's three pictures."""
    from pocket.judge import judge
    from pocket.reading import parse

    told = parse(prompt).scene() if prompt else None
    seen = shown(wish, off)
    allowed = told is not None and wish.allows(told)
    return Outcome(
        wish=wish,
        off=seen is not None and wish.allows(seen) and judge(off, seen).right,
        on=allowed and told is not None and judge(on, told).right,
        by_hand=judge(by_hand, wish.scene).right,
        prompt=prompt,
        allowed=allowed,
    )


def shown(wish: Wish, pixels: Pixels) -> Scene | None:
    """The solved scene, with all that the wish leaves open as a picture shows it; None where that is nothing of ours."""
    from pocket.judge import read
    from pocket.world import Text

    scene = wish.scene
    if not wish.open:
        return scene
    reading = read(pixels, below=scene.text is not None and "words" not in wish.open)
    if reading.background is None or None in reading.counts:
        return None
    changed: dict[str, Any] = {"background": reading.background} if "background" in wish.open else {}
    if "kinds" in wish.open:
        changed["things"] = tuple((kind, count) for kind, count in reading.counts.items() if kind)
    words = reading.words
    try:
        if "words" in wish.open:
            changed["text"] = Text(words=words.words, colour=words.colour) if words else None
        elif "letters" in wish.open and scene.text and words:
            changed["text"] = replace(scene.text, colour=words.colour)
        return replace(scene, **changed)
    except ValueError:
        return None


# Telling.


@dataclass
class Sum:
    """How many of some wishes were right each way."""

    asked: int = 0
    off: int = 0
    on: int = 0
    by_hand: int = 0
    allowed: int = 0

    @property
    def ratio(self) -> float:
        """Right on, as a part of right by hand."""
        return self.on / max(1, self.by_hand)

    def share(self, count: int) -> float:
        return count / max(1, self.asked)


def summed(outcomes: Sequence[Outcome], kinds: Sequence[str], language: str | None = None) -> Sum:
    """The sum over the outcomes of some kinds, in a language or all."""
    some = [one for one in outcomes if one.wish.kind in kinds and language in (None, one.wish.language)]
    return Sum(
        asked=len(some),
        off=sum(one.off for one in some),
        on=sum(one.on for one in some),
        by_hand=sum(one.by_hand for one in some),
        allowed=sum(one.allowed for one in some),
    )


def table(outcomes: Sequence[Outcome]) -> str:
    """The outcomes by kind and language, then together, then the bars."""
    from pocket.words import LANGUAGES

    lines = ["wishes              asked        off         on    by hand  on/by hand  prompt allowed"]
    for kind in COUNTS:
        for language in LANGUAGES:
            lines.append(_row(f"{kind} {language}", summed(outcomes, (kind,), language)))
    hard, plain = summed(outcomes, HARD), summed(outcomes, PLAIN)
    lines += [_row("plain", plain), _row("riddle, sum, vague", hard)]
    off, on, lower = bars(outcomes)
    lines.append(f"riddle, sum, vague: off {hard.share(hard.off):.1%}, wanted under {OFF_BAR:.0%}: {_said(off)}")
    lines.append(f"riddle, sum, vague: on/by hand {hard.ratio:.3f}, wanted {ON_BAR} at least: {_said(on)}")
    less = 100 * (plain.share(plain.off) - plain.share(plain.on))
    lines.append(f"plain: on {less:.1f} points lower than off, wanted {100 * PLAIN_BAR:.0f} at most: {_said(lower)}")
    return "\n".join(lines)


def _row(name: str, of: Sum) -> str:
    parts = "".join(f"{count:5} {of.share(count):4.0%} " for count in (of.off, of.on, of.by_hand))
    return f"{name:19} {of.asked:5}  {parts} {of.ratio:9.3f}  {of.allowed:9} {of.share(of.allowed):4.0%}"


def _said(met: bool) -> str:
    return "met" if met else "MISSED"


def bars(outcomes: Sequence[Outcome]) -> tuple[bool, bool, bool]:
    """Whether each bar is met: off, on, and plain wishes not spoilt."""
    hard, plain = summed(outcomes, HARD), summed(outcomes, PLAIN)
    return (
        hard.share(hard.off) < OFF_BAR,
        hard.ratio >= ON_BAR,
        plain.share(plain.off) - plain.share(plain.on) <= PLAIN_BAR,
    )


def meets_bars(outcomes: Sequence[Outcome]) -> bool:
    return all(bars(outcomes))


if __name__ == "__main__":
    main()
