"""Practises riddles and counting with a language model whose states a transformer has already learnt to read.

All its layers learn on; what captions are encoded to is held where it was, by a loss on those states, whitened as the
transformer whitens them. So riddles can be bettered without training a transformer again. It knows no transformer.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from random import Random

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedTokenizerFast, Qwen3ForCausalLM

from pocket import train_language
from pocket.dialogues import MAKERS
from pocket.language import HIDDEN, save_language
from pocket.train_language import Batches, backward, draw_encoded, folder
from pocket.training import Average, Keeper, Optimisers, Plan, Progress, Together, autocast, batch_random, device, rate
from pocket.transformer import WhitenedLinear, tokenise

STAGE = "practice"
WEIGHTS = {name: weight for name, (weight, _) in MAKERS.items()} | {"riddle": 0.6, "steps": 0.6}
"""How often each kind of wish is drawn: riddles and counting are more than half."""
BATCH = 32
"""Dialogues a step of each process, and as many captions."""
HELD = 0.5
"""The weight of the loss on captions' states; 1 is the states' own variance."""
MEASURED = 10
"""Batches of captions on which the whitening is measured."""
MUON, ADAM = 1.5e-3, 1e-3


def told(state: Path) -> Path:
    """Where the language model lies with which the transformer was trained."""
    return state / "told"


def prepare(state: Path) -> None:
    """Keeps the model that the transformer is told by, before its first practice."""
    if not told(state).exists():
        beside = told(state).with_suffix(".part")
        shutil.copytree(folder(state), beside, dirs_exist_ok=True)
        beside.rename(told(state))


def states(model: Qwen3ForCausalLM, ids: Tensor, mask: Tensor) -> Tensor:
    """What the transformer is told of captions: their tokens' states before the last layer, of length one, (tokens, HIDDEN)."""
    hidden = model.model(input_ids=ids, attention_mask=mask, output_hidden_states=True).hidden_states[-2][mask]
    return functional.rms_norm(hidden.float(), (HIDDEN,))


class Anchor:
    """Holds what captions are encoded to: the reference model and the whitening of its states."""

    def __init__(
        self,
        reference: Qwen3ForCausalLM,
        tokenizer: PreTrainedTokenizerFast,
        seed: int,
        rank: int,
        measured: int = MEASURED,
    ) -> None:
        """Measure the whitening on `measured` batches of captions."""
        self.reference, self.tokenizer = reference.requires_grad_(False), tokenizer
        self.seed, self.rank = seed, rank
        self.entrance = WhitenedLinear(nn.Linear(HIDDEN, HIDDEN), HIDDEN).to(reference.device)
        with torch.no_grad():
            samples = [states(reference, *self.captions(Random(f"{seed}/{STAGE}/{one}"))) for one in range(measured)]
            self.entrance.measure(torch.cat(samples))

    def captions(self, rng: Random, size: int = BATCH) -> tuple[Tensor, Tensor]:
        ids, mask = tokenise(self.tokenizer, [draw_encoded(rng).wish for _ in range(size)])
        return ids.to(self.reference.device), mask.to(self.reference.device)

    def loss(self, model: Qwen3ForCausalLM, step: int, size: int = BATCH) -> Tensor:
        """How far a model's states of a step's captions are from the reference's, as a part of their variance."""
        ids, mask = self.captions(batch_random(self.seed, f"{STAGE}/captions/{self.rank}", step), size)
        with autocast(ids.device):
            with torch.no_grad():
                wanted = states(self.reference, ids, mask)
            moved = states(model, ids, mask) - wanted
        return (moved @ self.entrance.matrix).square().mean()


def load(where: Path) -> Qwen3ForCausalLM:
    model: Qwen3ForCausalLM = Qwen3ForCausalLM.from_pretrained(where, dtype=torch.float32, local_files_only=True)
    return model.to(device())


def train(
    state: Path,
    plan: Plan,
    *,
    seed: int = 0,
    size: int = BATCH,
    held: float = HELD,
    measured: int = MEASURED,
    drawing: int = 0,
    together: Together | None = None,
) -> None:
    """Trains until the plan is done and puts the model in the place of the one that it began with; see `prepare`."""
    together = together or Together()
    tokenizer = train_language.load_tokenizer(told(state))
    model = load(told(state))
    anchor = Anchor(load(told(state)), tokenizer, seed, together.rank, measured)
    optimisers = Optimisers(model, inside=("self_attn", "mlp"), muon=MUON, adam=ADAM)
    average = Average(model, decay=0.99)
    keeper = Keeper(state / f"{STAGE}.pt", plan, model, optimisers, average)
    keeper.restore()
    progress = Progress(STAGE, "dialogues")
    source = f"{STAGE}/{together.rank}" if together.rank else STAGE
    batches = iter(Batches(tokenizer, seed, size, 4, source, WEIGHTS).ahead(plan.step, plan.steps, drawing))
    plan.start_clock()
    while not plan.done:
        if together.abandoned:
            return
        loss = backward(model, next(batches), device())
        drift = anchor.loss(model, plan.step, size)
        (held * drift).backward()
        together.average(model, plan)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimisers.step(rate(plan.fraction))
        plan.advance()
        if not together.leads:
            continue
        average.update(model, plan.step)
        progress.add(plan, float(loss), size * together.workers, f"  states moved {float(drift.detach()):.4f}")
        keeper.after_step()
    if together.leads:
        keeper.keep()
        model.load_state_dict({name: weight.bfloat16() for name, weight in average.weights.items()}, strict=False)
        fresh = train_language.load_tokenizer(told(state))  # the one in use remembers how its batches were padded
        save_language(folder(state), fresh, model.to(torch.bfloat16).cpu())
