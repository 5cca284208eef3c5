"""Trains Pocket's language model on dialogues: it learns to answer, and thereby to encode what a caption says.

Seven of ten samples are asked as the enhancer asks, three as the pipeline wraps a caption for its text encoder. It
knows nothing of pictures.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from random import Random

import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset
from transformers import AutoTokenizer, PreTrainedTokenizerFast, Qwen3ForCausalLM

from pocket.captions import caption
from pocket.dialogues import Dialogue, draw_dialogue
from pocket.dialogues.wishes import plain_of
from pocket.language import (
    END,
    encoder_text,
    enhancer_text,
    new_language_model,
    save_language,
    train_tokenizer,
)
from pocket.training import (
    Average,
    Keeper,
    Optimisers,
    Plan,
    Progress,
    Together,
    autocast,
    batch_random,
    device,
    rate,
)

STAGE = "language"
BATCH = 32
"""Dialogues a step on a CPU core."""
CUDA_BATCH = 256
PROMPT_WEIGHT = 0.1
"""The loss on the asker's own words: it makes the states of a caption tell more of it."""
ENCODER_SHARE = 0.3
CAPTION_SHARE = 0.8
"""How many of the encoder's samples are captions as the transformer is trained with; the others are any wish."""
TOKENIZER_DIALOGUES = 8000
MUON, ADAM = 4e-3, 3e-3

Part = tuple[Tensor, Tensor]
"""Token ids and loss weights, both (dialogues, longest)."""


def folder(state: Path) -> Path:
    """Where the trained language model lies, in `transformers` layout."""
    return state / "language"


def load_tokenizer(where: Path) -> PreTrainedTokenizerFast:
    tokenizer: PreTrainedTokenizerFast = AutoTokenizer.from_pretrained(where, local_files_only=True)
    return tokenizer


def make_tokenizer(seed: int) -> PreTrainedTokenizerFast:
    """The tokenizer of a seed, trained on that seed's own dialogues."""
    rng = Random(f"{seed}/tokenizer")
    dialogues = [draw_dialogue(rng) for _ in range(TOKENIZER_DIALOGUES)]
    roles = ["system\nuser\nassistant\n"] * 50
    return train_tokenizer(roles + [f"{dialogue.wish}\n{dialogue.answer}" for dialogue in dialogues])


def prepared_tokenizer(state: Path, seed: int) -> PreTrainedTokenizerFast:
    """The tokenizer of a training: made at its start, kept beside its state, the same in all its processes."""
    where = state / "tokenizer"
    if not (where / "tokenizer.json").exists():
        make_tokenizer(seed).save_pretrained(where)
    return load_tokenizer(where)


def draw_encoded(rng: Random) -> Dialogue:
    """A dialogue for the text encoder's format: mostly a caption as the transformer's training words it."""
    if rng.random() >= CAPTION_SHARE:
        return draw_dialogue(rng)
    drawn = draw_dialogue(rng, kind="plain")
    return plain_of(drawn.scene, caption(drawn.scene, drawn.language, rng), drawn.language)


def sample(
    tokenizer: PreTrainedTokenizerFast, rng: Random, weights: Mapping[str, float] | None = None
) -> tuple[list[int], list[float]]:
    """One training sample: token ids, and the weight of the loss on each of them. With weights of kinds it is always an answer."""
    if weights is None and rng.random() < ENCODER_SHARE:
        dialogue = draw_encoded(rng)
        prompt = encoder_text(tokenizer, dialogue.wish)
    else:
        dialogue = draw_dialogue(rng, weights=weights)
        prompt = enhancer_text(tokenizer, dialogue)
    asked = tokenizer(prompt, add_special_tokens=False)["input_ids"]
    answered = tokenizer(f"{dialogue.answer}{END}\n", add_special_tokens=False)["input_ids"]
    return asked + answered, [PROMPT_WEIGHT] * len(asked) + [1.0] * len(answered)


def batch(
    tokenizer: PreTrainedTokenizerFast,
    rng: Random,
    size: int,
    parts: int = 1,
    weights: Mapping[str, float] | None = None,
) -> list[Part]:
    """A batch in parts of like length, so that little is padding; padded on the right with weight 0."""
    samples = sorted((sample(tokenizer, rng, weights) for _ in range(size)), key=lambda one: len(one[0]))
    each = -(-size // parts)
    made = []
    for start in range(0, size, each):
        some = samples[start : start + each]
        longest = len(some[-1][0])
        ids = torch.full((len(some), longest), int(tokenizer.pad_token_id))
        losses = torch.zeros(len(some), longest)
        for row, (tokens, loss_weights) in enumerate(some):
            ids[row, : len(tokens)] = torch.tensor(tokens)
            losses[row, : len(tokens)] = torch.tensor(loss_weights)
        made.append((ids, losses))
    return made


class Batches(Dataset[list[Part]]):  # type: ignore[misc]  # torch is not typed here
    """The batch of every step, each a function of seed, source and step alone; so workers may draw them ahead."""

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerFast,
        seed: int,
        size: int,
        parts: int,
        source: str,
        weights: Mapping[str, float] | None = None,
    ) -> None:
        self.tokenizer, self.seed, self.size, self.parts = tokenizer, seed, size, parts
        self.source, self.weights = source, weights

    def __getitem__(self, step: int) -> list[Part]:
        rng = batch_random(self.seed, self.source, step)
        return batch(self.tokenizer, rng, self.size, self.parts, self.weights)

    def ahead(self, first: int, last: int, workers: int) -> DataLoader[list[Part]]:
        """The batches of the steps from `first` on, drawn by so many processes; by this one if none."""
        start = "spawn" if workers else None
        return DataLoader(
            self, batch_size=None, sampler=range(first, last), num_workers=workers, multiprocessing_context=start
        )


def loss_of(model: Qwen3ForCausalLM, ids: Tensor, weights: Tensor) -> Tensor:
    """The weighted sum of the next tokens' cross entropies. Right padding needs no mask under causal attention."""
    with autocast(ids.device):
        logits = model(input_ids=ids, use_cache=False).logits
    flat = functional.cross_entropy(logits[:, :-1].float().flatten(0, 1), ids[:, 1:].flatten(), reduction="none")
    return (flat * weights[:, 1:].flatten()).sum()


def backward(model: Qwen3ForCausalLM, parts: list[Part], where: torch.device) -> Tensor:
    """Adds up the gradients of a batch's mean loss, part by part, and gives that loss."""
    wanted = sum(float(weights[:, 1:].sum()) for _, weights in parts)
    total = torch.zeros((), device=where)
    for ids, weights in parts:
        loss = loss_of(model, ids.to(where), weights.to(where)) / wanted
        loss.backward()
        total += loss.detach()
    return total


def train(
    state: Path,
    plan: Plan,
    *,
    seed: int = 0,
    size: int | None = None,
    parts: int | None = None,
    drawing: int = 0,
    together: Together | None = None,
) -> None:
    """Trains until the plan is done and leaves model and tokenizer in `folder(state)`.

    The weights are the average over the last steps, rounded to bf16 as they are shipped, so that what the transformer
    is conditioned on in training is exactly what the pipeline computes.

    Args:
        state: folder of all saved states.
        plan: steps or minutes; it goes on from the saved state.
        seed: of weights and dialogues.
        size: dialogues a step, of each process; by default what suits the device.
        parts: into how many parts of like length a batch is cut.
        drawing: processes that draw dialogues ahead; for a GPU, which is quicker than one of them.
        together: the processes that train this model together.
    """
    where = device()
    together = together or Together()
    on_cuda = where.type == "cuda"
    size, parts = size or (CUDA_BATCH if on_cuda else BATCH), parts or (2 if on_cuda else 4)
    tokenizer = prepared_tokenizer(state, seed)
    torch.manual_seed(seed)
    model = new_language_model(tokenizer).to(where)
    optimisers = Optimisers(model, inside=("self_attn", "mlp"), muon=MUON, adam=ADAM)
    average = Average(model, decay=0.99)
    keeper = Keeper(state / f"{STAGE}.pt", plan, model, optimisers, average)
    keeper.restore()
    progress = Progress(STAGE, "dialogues")
    source = f"{STAGE}/{together.rank}" if together.rank else STAGE
    batches = iter(Batches(tokenizer, seed, size, parts, source).ahead(plan.step, plan.steps, drawing))
    plan.start_clock()
    while not plan.done:
        if together.abandoned:
            return
        loss = backward(model, next(batches), where)
        together.average(model, plan)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimisers.step(rate(plan.fraction))
        plan.advance()
        if not together.leads:
            continue
        average.update(model, plan.step)
        progress.add(plan, float(loss), size * together.workers)
        keeper.after_step()
    if together.leads:
        keeper.keep()
        model.load_state_dict({name: weight.bfloat16() for name, weight in average.weights.items()}, strict=False)
        save_language(folder(state), tokenizer, model.to(torch.bfloat16).cpu())
