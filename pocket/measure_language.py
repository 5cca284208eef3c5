"""Measures Pocket's language model: are wishes that training never saw answered with the right kinds, counts, colours?

It reads the final prompt of each answer back into a scene; it knows no pictures.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from random import Random

import torch
from transformers import PreTrainedTokenizerFast, Qwen3ForCausalLM

from pocket.dialogues import MAKERS, Dialogue, draw_dialogue, read_prompt
from pocket.language import enhancer_text
from pocket.words import LANGUAGES, ZH_COLOURS, has_cjk

LONGEST_ANSWER = 320
BATCH = 50


@dataclass
class Verdict:
    """How many answers of a sort of wish were right, out of how many, and a few that were not."""

    right: int = 0
    asked: int = 0
    wrong: list[tuple[str, str]] = field(default_factory=list)

    @property
    def share(self) -> float:
        return self.right / max(1, self.asked)


def held_out_dialogues(count: int, seed: int, kind: str | None = None) -> list[Dialogue]:
    """Wishes whose scene training never saw, half in each language."""
    rng = Random(f"{seed}/language measure/{kind}")
    return [draw_dialogue(rng, held_out=True, kind=kind, language=LANGUAGES[i % 2]) for i in range(count)]


def answers(
    model: Qwen3ForCausalLM,
    tokenizer: PreTrainedTokenizerFast,
    prompts: list[str],
    *,
    temperature: float = 0.0,
    seed: int = 0,
) -> list[str]:
    """The model's answers to prompts, greedy or sampled, in batches padded on the left."""
    with torch.no_grad():
        torch.manual_seed(seed)
        found = []
        for start in range(0, len(prompts), BATCH):
            inputs = tokenizer(
                prompts[start : start + BATCH], padding=True, padding_side="left", return_tensors="pt"
            ).to(model.device)
            sampling = (
                {"do_sample": True, "temperature": temperature, "top_k": 0} if temperature else {"do_sample": False}
            )
            output = model.generate(**inputs, max_new_tokens=LONGEST_ANSWER, **sampling)
            fresh = output[:, inputs["input_ids"].shape[1] :]
            found += [text.strip() for text in tokenizer.batch_decode(fresh, skip_special_tokens=True)]
        return found


def is_right(dialogue: Dialogue, answer: str) -> bool:
    """Whether an answer's final prompt keeps what the wish says, in the wish's language, in all five sections."""
    read = read_prompt(answer)
    if read is None or has_cjk(answer) != (dialogue.language == "zh"):
        return False
    things, background = read
    wanted, named = dialogue.scene.things, dialogue.scene.background
    if dialogue.kind == "strange":
        return bool(things) and background is not None
    if dialogue.kind == "count":
        things_right = [kind for kind, _ in things] == [kind for kind, _ in wanted] and 1 <= things[0][1] <= 4
    else:
        things_right = Counter(dict(things)) == Counter(dict(wanted)) and len(things) == len(wanted)
    colour_told = named_in(dialogue)
    return things_right and (background == named if colour_told else background is not None)


def named_in(dialogue: Dialogue) -> bool:
    """Whether the wish itself names its background."""
    word = ZH_COLOURS[dialogue.scene.background] if dialogue.language == "zh" else dialogue.scene.background
    return word in dialogue.wish


def measure_language(
    model: Qwen3ForCausalLM,
    tokenizer: PreTrainedTokenizerFast,
    *,
    count: int = 100,
    seed: int = 7,
    temperature: float = 0.0,
) -> dict[str, Verdict]:
    """The verdict for each sort of wish: `count` plain wishes, a third as many of each other sort."""
    verdicts: dict[str, Verdict] = {}
    for kind in MAKERS:
        dialogues = held_out_dialogues(count if kind == "plain" else max(2, count // 3), seed, kind)
        texts = [enhancer_text(tokenizer, dialogue) for dialogue in dialogues]
        found = answers(model, tokenizer, texts, temperature=temperature, seed=seed)
        verdict = verdicts[kind] = Verdict()
        for dialogue, answer in zip(dialogues, found, strict=True):
            verdict.asked += 1
            if is_right(dialogue, answer):
                verdict.right += 1
            else:
                verdict.wrong.append((dialogue.wish, answer))
    return verdicts
