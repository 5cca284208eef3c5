"""A training begins where shipped weights stand: it draws at first what they draw."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from pocket import begin, train_language
from pocket.captions import long_caption
from pocket.export import CHECKPOINT, load_parts
from pocket.language import HIDDEN
from pocket.train_transformer import flow_loss, make_pools, trained_transformer
from pocket.train_transformer import train as train_base
from pocket.train_turbo import beginning
from pocket.training import Plan
from pocket.transformer import encode_captions, new_transformer, whiten

CPU = torch.device("cpu")


def test_a_whitened_entrance_takes_up_a_plain_layer_and_gives_it_back() -> None:
    torch.manual_seed(0)
    model = new_transformer()
    plain = model.cap_embedder[1]
    states = torch.randn(600, HIDDEN) @ torch.randn(HIDDEN, HIDDEN) / 17 + 3
    wanted = plain(states)
    entrance = whiten(model)
    entrance.measure(states)
    entrance.unfold()
    assert torch.allclose(entrance(states), wanted, atol=1e-3)
    assert torch.allclose(entrance.folded()(states), wanted, atol=1e-3)


@pytest.mark.slow
def test_a_training_goes_on_from_the_shipped_weights(tmp_path: Path) -> None:
    begin.take_up(tmp_path, CHECKPOINT)
    with pytest.raises(FileExistsError, match="not empty"):
        begin.take_up(tmp_path, CHECKPOINT)
    tokenizer, language, vae = load_parts(tmp_path)
    assert len(tokenizer) == language.config.vocab_size and vae.config.scaling_factor != 1
    assert train_language.load_tokenizer(train_language.folder(tmp_path)).get_vocab() == tokenizer.get_vocab()

    shipped = begin.transformer(tmp_path)
    assert shipped is not None
    train_base(tmp_path, Plan(steps=1), size=2, pool_scale=0.002)  # the first step's rate is next to nothing
    pool = make_pools(tmp_path, 0, CPU, 0.002)[128, 128]
    noise = torch.randn(8, 16, 16, 16, generator=torch.Generator().manual_seed(0))
    captions = [long_caption(layout.scene, "en") for layout in pool.layouts[:8]]
    texts = [text.float() for text in encode_captions(language, tokenizer, captions)]
    losses = []
    for model in (shipped, trained_transformer(tmp_path), new_transformer()):
        with torch.no_grad():
            losses.append(float(flow_loss(model, pool.latents[:8].float(), texts, torch.full((8,), 0.7), noise)))
    assert losses[1] == pytest.approx(losses[0], rel=0.1) and losses[2] > 2 * losses[0]


def test_a_state_that_began_from_nothing_has_no_beginning(tmp_path: Path) -> None:
    assert begin.transformer(tmp_path) is None


def test_a_turbo_begins_with_what_the_last_turbo_had_learnt(tmp_path: Path) -> None:
    begin.take_up(tmp_path, CHECKPOINT)
    old_base, old_turbo = begin.transformer(tmp_path), begin.transformer(tmp_path, "turbo")
    assert old_base is not None and old_turbo is not None
    torch.manual_seed(0)
    teacher = new_transformer()
    student = beginning(tmp_path, teacher)
    for name, weight in student.named_parameters():
        moved = weight - dict(teacher.named_parameters())[name]
        learnt = old_turbo.get_parameter(name) - old_base.get_parameter(name)
        assert torch.allclose(moved, learnt, atol=1e-6), name
    untouched = beginning(tmp_path / "nothing", teacher)
    assert all(torch.equal(a, b) for a, b in zip(untouched.parameters(), teacher.parameters(), strict=True))
