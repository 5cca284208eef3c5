"""Measures Pocket's language model by skill: wishes that training never saw, and riddles whose numbers it never saw.

Only the answer's text is read: its sections, and the scene that its final prompt tells. It knows no pictures.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

import torch
from transformers import PreTrainedTokenizerFast, Qwen3ForCausalLM

from pocket.dialogues import MAKERS, Dialogue, draw_dialogue, read_prompt, read_sections
from pocket.dialogues.answers import quoted
from pocket.dialogues.riddles import EN_FORMS, HELD_OUT_PAIRS, ZH_FORMS, ask
from pocket.language import END, enhancer_text
from pocket.reading import Told
from pocket.words import LANGUAGES, Language, has_cjk
from pocket.world import Scene

LONGEST_ANSWER = 320
BATCH = 64
COUNT = 500
"""Wishes in each language of the full measure, without the riddles."""
RIDDLE_FORMS = 4
"""In how many phrasings each held-out pair is asked at least."""

BARS: dict[str, float] = {"chain": 0.99, "kept": 0.97, "sum": 0.95, "riddle": 0.95}
"""The least share of right answers in each language: well formed and ended by itself; words, counts and colours kept;
sums; chickens and rabbits of pairs that training never asked."""
KEPT = ("plain", "background", "count", "words", "nearest")
"""The kinds whose answers must above all keep what is told."""


_QUOTED = re.compile(r'["“][^"“”]*["”]')


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the model wrote, and whether it ended by itself."""

    text: str
    ended: bool


@dataclass
class Verdict:
    """How many answers of a skill were right, out of how many, and those that were not."""

    right: int = 0
    asked: int = 0
    wrong: list[tuple[str, str]] = field(default_factory=list)

    @property
    def share(self) -> float:
        return self.right / max(1, self.asked)

    def add(self, right: bool, wish: str, answer: str) -> None:
        self.asked += 1
        if right:
            self.right += 1
        else:
            self.wrong.append((wish, answer))


def held_out_dialogues(
    count: int, seed: int, kind: str | None = None, language: Language | None = None
) -> list[Dialogue]:
    """Wishes that training never sees, of one kind or all, in one language or half in each."""
    rng = Random(f"{seed}/language measure/{kind}/{language}")
    return [draw_dialogue(rng, held_out=True, kind=kind, language=language or LANGUAGES[i % 2]) for i in range(count)]


def asked_kinds(count: int) -> dict[str, int]:
    """How many wishes of each kind stand for `count` of all but riddles: at least two of each, sums more often."""
    shares = {kind: weight + (0.06 if kind == "sum" else 0) for kind, (weight, _) in MAKERS.items() if kind != "riddle"}
    whole = sum(shares.values())
    numbers = {kind: max(2, int(count * share / whole)) for kind, share in shares.items()}
    numbers["plain"] += max(0, count - sum(numbers.values()))
    return numbers


def riddles(language: Language, seed: int, forms: int | None = None) -> list[Dialogue]:
    """Every held-out pair of heads and legs in so many phrasings, by default in all; chickens and rabbits."""
    rng = Random(f"{seed}/riddles/{language}")
    known = len(ZH_FORMS if language == "zh" else EN_FORMS)
    made = []
    for pair in HELD_OUT_PAIRS:
        for form in rng.sample(range(known), min(forms or known, known)):
            made.append(ask(*pair, language, rng, form=form, usual=True))
    return made


def answers(
    model: Qwen3ForCausalLM,
    tokenizer: PreTrainedTokenizerFast,
    prompts: Sequence[str],
    *,
    temperature: float = 0.0,
    seed: int = 0,
) -> list[Answer]:
    """The model's answers to prompts, greedy or sampled, in batches of like length padded on the left."""
    end = tokenizer.convert_tokens_to_ids(END)
    order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
    found: dict[int, Answer] = {}
    sampling = {"do_sample": True, "temperature": temperature, "top_k": 0} if temperature else {"do_sample": False}
    with torch.no_grad():
        torch.manual_seed(seed)
        for start in range(0, len(prompts), BATCH):
            some = order[start : start + BATCH]
            inputs = tokenizer([prompts[i] for i in some], padding=True, padding_side="left", return_tensors="pt").to(
                model.device
            )
            output = model.generate(**inputs, max_new_tokens=LONGEST_ANSWER, **sampling)
            fresh = output[:, inputs["input_ids"].shape[1] :]
            texts = tokenizer.batch_decode(fresh, skip_special_tokens=True)
            for i, tokens, text in zip(some, fresh, texts, strict=True):
                found[i] = Answer(text=text.strip(), ended=bool((tokens == end).any()))
    return [found[i] for i in range(len(prompts))]


def is_well_formed(dialogue: Dialogue, answer: str) -> bool:
    """Whether an answer has its five sections, each with something in it, in the wish's language, and a scene to draw."""
    sections = read_sections(answer)
    if sections is None or "\n" in sections["prompt"]:
        return False
    unquoted = _QUOTED.sub("", sections["prompt"])
    told = read_prompt(answer)
    return has_cjk(unquoted) == (dialogue.language == "zh") and told is not None and told.scene() is not None


def is_right(dialogue: Dialogue, answer: str) -> bool:
    """Whether an answer's final prompt is the scene that the wish asks for, in all that the wish does not leave open."""
    told = read_prompt(answer)
    scene = told.scene() if told is not None else None
    if scene is None or not is_well_formed(dialogue, answer):
        return False
    return _right_things(dialogue, scene) and _right_rest(dialogue, scene) and _right_text(dialogue, scene, answer)


def _right_things(dialogue: Dialogue, scene: Scene) -> bool:
    """Kinds and counts: exact, or within what is open."""
    asked, found = dialogue.asked, dict(scene.things)
    if asked.no_kinds & set(found) or (asked.kinds and not set(found) <= asked.kinds):
        return False
    if "kinds" in asked.open:
        return True
    wanted = dict(dialogue.scene.things)
    if "counts" not in asked.open:
        return found == wanted
    if set(found) != set(wanted):
        return False
    within = all(least <= found[kind] <= most for kind, least, most in asked.between)
    return within and all(found[first] > found[second] for first, second in asked.more)


def _right_rest(dialogue: Dialogue, scene: Scene) -> bool:
    """Background, size, arrangement and style."""
    wanted, open_ = dialogue.scene, dialogue.asked.open
    if dialogue.asked.no_colours & set(scene.background.colours):
        return False
    if "background" not in open_ and scene.background != wanted.background:
        return False
    if "kinds" in open_ and wanted.place is None and wanted.relation is None and wanted.rows is None:
        return "style" in open_ or scene.style == wanted.style
    same_place = (scene.rows, scene.place, scene.size) == (wanted.rows, wanted.place, wanted.size)
    return same_place and _same_relation(scene, wanted) and ("style" in open_ or scene.style == wanted.style)


_BACK = {"left of": "right of", "right of": "left of", "above": "below", "below": "above", None: None}


def _same_relation(scene: Scene, wanted: Scene) -> bool:
    """Whether the kinds stand in the same order, whichever is named first."""
    if scene.relation is None or wanted.relation is None:
        return scene.relation == wanted.relation
    order = [kind for kind, _ in scene.things]
    other = [kind for kind, _ in wanted.things]
    return (order == other and scene.relation == wanted.relation) or (
        order == other[::-1] and _BACK[scene.relation] == wanted.relation
    )


def _right_text(dialogue: Dialogue, scene: Scene, answer: str) -> bool:
    """Words verbatim, in the prompt and in their own section, and their colour if it was told."""
    wanted, found, open_ = dialogue.scene.text, scene.text, dialogue.asked.open
    if "words" in open_:
        return True
    if wanted is None or found is None:
        return wanted is found
    sections = read_sections(answer) or {}
    verbatim = quoted(wanted.words, dialogue.language) in sections.get("text", "")
    return verbatim and found.words == wanted.words and ("letters" in open_ or found.colour == wanted.colour)


def keeps(dialogue: Dialogue, told: Told | None) -> bool:
    """Whether a prompt keeps quoted words, counts and colours, whatever else it gets wrong."""
    if told is None:
        return False
    scene, open_ = dialogue.scene, dialogue.asked.open
    words = "words" in open_ or told.words == (scene.text.words if scene.text else None)
    colours = "background" in open_ or (told.background is not None and told.background == scene.background)
    found, wanted = dict(told.things), dict(scene.things)
    counts = "kinds" in open_ or "counts" in open_ or sorted(found.values()) == sorted(wanted.values())
    if "counts" in open_ and "kinds" not in open_:
        counts = all(least <= found.get(kind, 0) <= most for kind, least, most in dialogue.asked.between)
    return words and colours and counts


def measure_language(
    model: Qwen3ForCausalLM,
    tokenizer: PreTrainedTokenizerFast,
    *,
    language: Language | None = None,
    count: int = COUNT,
    seed: int = 7,
    temperature: float = 0.0,
) -> dict[str, Verdict]:
    """The verdict for each skill and for each kind of wish, in one language or both.

    The first are those of BARS; then each kind by its name with all that `is_right` asks. `count` wishes a language, and
    every held-out riddle: in all phrasings where count is COUNT or more, in a few where it is less.
    """
    dialogues: list[Dialogue] = []
    for one in (language,) if language else LANGUAGES:
        for kind, number in asked_kinds(count).items():
            dialogues += held_out_dialogues(number, seed, kind, one)
        dialogues += riddles(one, seed, None if count >= COUNT else max(1, RIDDLE_FORMS * count // COUNT))
    texts = [enhancer_text(tokenizer, dialogue) for dialogue in dialogues]
    found = answers(model, tokenizer, texts, temperature=temperature, seed=seed)
    return judged(dialogues, found)


def judged(dialogues: Sequence[Dialogue], found: Sequence[Answer]) -> dict[str, Verdict]:
    """The verdicts on answers, each skill's and each kind's."""
    verdicts = {name: Verdict() for name in (*BARS, *MAKERS)}
    for dialogue, answer in zip(dialogues, found, strict=True):
        wish, text = dialogue.wish, answer.text
        verdicts["chain"].add(answer.ended and is_well_formed(dialogue, text), wish, text)
        if dialogue.kind in KEPT:
            verdicts["kept"].add(keeps(dialogue, read_prompt(text)), wish, text)
        verdicts[dialogue.kind].add(is_right(dialogue, text), wish, text)
    return verdicts


def meets_bars(verdicts: dict[str, Verdict]) -> bool:
    return all(verdicts[skill].share >= bar for skill, bar in BARS.items())


def table(language: str, verdicts: dict[str, Verdict]) -> str:
    """The verdicts as lines of text, with the bars."""
    lines = [f"{language:<14} right  asked   share    bar"]
    for name, verdict in verdicts.items():
        bar = f"{100 * BARS[name]:5.0f} %" if name in BARS else "      -"
        lines.append(f"{name:<14} {verdict.right:>5}  {verdict.asked:>5}  {100 * verdict.share:5.1f} %  {bar}")
    return "\n".join(lines)


def shuffled(model: Qwen3ForCausalLM, seed: int = 0) -> Qwen3ForCausalLM:
    """The same model with the numbers of each of its weights in random order: as many, as large, and nothing learnt."""
    other = copy.deepcopy(model)
    rng = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in other.parameters():
            flat = weight.flatten()
            weight.copy_(flat[torch.randperm(len(flat), generator=rng).to(flat.device)].view_as(weight))
    return other


def riddles_right(
    model: Qwen3ForCausalLM, tokenizer: PreTrainedTokenizerFast, *, forms: int = 1, seed: int = 7
) -> float:
    """The share of held-out riddles that a model answers right, each pair in so many phrasings and both languages.

    With `shuffled` weights it must be almost none: then nothing beside the model solves them.
    """
    dialogues = [dialogue for language in LANGUAGES for dialogue in riddles(language, seed, forms)]
    found = answers(model, tokenizer, [enhancer_text(tokenizer, dialogue) for dialogue in dialogues])
    right = sum(is_right(dialogue, answer.text) for dialogue, answer in zip(dialogues, found, strict=True))
    return right / len(dialogues)
