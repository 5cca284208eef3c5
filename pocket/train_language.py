"""Trains Pocket's language model on dialogues: it learns to answer, and thereby to encode what a caption says.

Seven of ten samples are asked as the enhancer asks, three as the pipeline wraps a caption for its text encoder. It
knows nothing of pictures.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

import torch
from torch.nn import functional
from transformers import AutoTokenizer, PreTrainedTokenizerFast, Qwen3ForCausalLM

from pocket.dialogues import draw_dialogue
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
    batch_random,
    device,
    rate,
)

STAGE = "language"
BATCH = 32
PROMPT_WEIGHT = 0.1
"""The loss on the asker's own words: it makes the states of a caption tell more of it."""
ENCODER_SHARE = 0.3
TOKENIZER_DIALOGUES = 6000


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


def sample(tokenizer: PreTrainedTokenizerFast, rng: Random) -> tuple[list[int], list[float]]:
    """One training sample: token ids, and the weight of the loss on each of them."""
    as_encoder = rng.random() < ENCODER_SHARE
    dialogue = draw_dialogue(rng, kind="plain" if as_encoder and rng.random() < 0.8 else None)
    prompt = encoder_text(tokenizer, dialogue.wish) if as_encoder else enhancer_text(tokenizer, dialogue)
    asked = tokenizer(prompt, add_special_tokens=False)["input_ids"]
    answered = tokenizer(f"{dialogue.answer}{END}\n", add_special_tokens=False)["input_ids"]
    return asked + answered, [PROMPT_WEIGHT] * len(asked) + [1.0] * len(answered)


def batch(tokenizer: PreTrainedTokenizerFast, rng: Random, size: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Token ids and loss weights, both (size, longest), padded on the right with weight 0."""
    samples = [sample(tokenizer, rng) for _ in range(size)]
    longest = max(len(ids) for ids, _ in samples)
    ids = torch.full((size, longest), int(tokenizer.pad_token_id))
    weights = torch.zeros(size, longest)
    for row, (tokens, loss_weights) in enumerate(samples):
        ids[row, : len(tokens)] = torch.tensor(tokens)
        weights[row, : len(tokens)] = torch.tensor(loss_weights)
    return ids, weights


def loss_of(model: Qwen3ForCausalLM, ids: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """The weighted cross entropy of the next token. Right padding needs no mask under causal attention."""
    with torch.autocast(ids.device.type, torch.bfloat16):
        logits = model(input_ids=ids, use_cache=False).logits
    flat = functional.cross_entropy(logits[:, :-1].float().flatten(0, 1), ids[:, 1:].flatten(), reduction="none")
    wanted = weights[:, 1:].flatten()
    return (flat * wanted).sum() / wanted.sum()


def train(state: Path, plan: Plan, *, seed: int = 0, size: int = BATCH) -> None:
    """Trains until the plan is done and leaves model and tokenizer in `folder(state)`.

    The weights are the average over the last steps, rounded to bf16 as they are shipped, so that what the transformer
    is conditioned on in training is exactly what the pipeline computes.
    """
    where = device()
    tokenizer = make_tokenizer(seed)
    torch.manual_seed(seed)
    model = new_language_model(tokenizer).to(where)
    optimisers = Optimisers(model, inside=("self_attn", "mlp"), muon=4e-3, adam=3e-3)
    average = Average(model, decay=0.99)
    keeper = Keeper(state / f"{STAGE}.pt", plan, model, optimisers, average)
    keeper.restore()
    progress = Progress(STAGE, "dialogues")
    plan.start_clock()
    while not plan.done:
        ids, weights = batch(tokenizer, batch_random(seed, STAGE, plan.step), size)
        loss = loss_of(model, ids.to(where), weights.to(where))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimisers.step(rate(plan.fraction))
        plan.advance()
        average.update(model, plan.step)
        progress.add(plan, float(loss.detach()), size)
        keeper.after_step()
    keeper.keep()
    model.load_state_dict({name: weight.bfloat16() for name, weight in average.weights.items()}, strict=False)
    save_language(folder(state), tokenizer, model.to(torch.bfloat16).cpu())
