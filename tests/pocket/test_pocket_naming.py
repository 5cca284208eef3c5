"""The second task: what stands where is told as the layout has it, and its gradient reaches the layers that must know it."""

from __future__ import annotations

from random import Random

import pytest
import torch

from pocket.language import HIDDEN
from pocket.naming import AFTER, NAMES, NUMBER, PART, PLACE, Naming, names_of, without_naming
from pocket.train_transformer import LETTERS_WEIGHT, flow_loss, letters_weights
from pocket.transformer import new_transformer, quicken
from pocket.world import SHAPES, SIDE, band_top, draw_scene, lay_out


@pytest.mark.parametrize("shape", SHAPES.values())
def test_every_thing_and_letter_is_named_at_its_own_centre(shape: tuple[int, int]) -> None:
    rng = Random(f"naming/{shape}")
    seen = 0
    for _ in range(60):
        layout = lay_out(draw_scene(rng, width=shape[0], height=shape[1]), rng, *shape)
        names = names_of(layout).float()
        assert names.shape == (shape[1] // PLACE, shape[0] // PLACE, 3)
        for spot in layout.spots:
            if spot.size < 2 * PLACE:
                continue  # a small thing may share each of its places with another
            column, row = (int(along // PLACE) for along in spot.centre)
            number, right, below = names[row, column].tolist()
            assert NAMES[int(number)] == spot.kind
            assert (column + 0.5 + right) * PLACE == pytest.approx(spot.centre[0], abs=0.2)
            assert (row + 0.5 + below) * PLACE == pytest.approx(spot.centre[1], abs=0.2)
            seen += 1
        told = {NAMES[int(number)] for number in names[..., 0].unique()}
        assert {letter.character for letter in layout.letters if letter.width >= PLACE} <= told
    assert seen > 60


def test_no_two_names_share_a_number() -> None:
    assert len(NUMBER) == len(NAMES) and NUMBER[""] == 0


def test_the_names_reach_the_layers_below_and_no_others() -> None:
    torch.manual_seed(0)
    model = new_transformer()
    naming = Naming(model)
    quicken(model, compiled=False)
    rng = Random(0)
    layouts = [lay_out(draw_scene(rng), rng) for _ in range(2)]
    names = torch.stack([names_of(layout) for layout in layouts])
    with pytest.raises(ValueError, match="called before"):
        naming.loss(names)
    latents, noise = torch.randn(2, 2, 16, SIDE // 8, SIDE // 8).unbind()
    flow_loss(model, latents, [torch.randn(9, HIDDEN), torch.randn(20, HIDDEN)], torch.tensor([0.2, 0.9]), noise)
    naming.loss(names).backward()
    for place, layer in enumerate(model.layers):
        assert (layer.attention.to_q.weight.grad is not None) == (place <= AFTER)
    assert naming.layer.weight.grad is not None
    assert any(name.startswith(PART) for name in model.state_dict())
    new_transformer().load_state_dict(without_naming(model.state_dict()))


def test_errors_count_more_where_the_caption_tells_of_letters_and_nowhere_else() -> None:
    for width, height in SHAPES.values():
        weights = letters_weights((width, height), torch.tensor([True, False]))
        assert weights.shape == (2, 1, height // 8, 1) and bool((weights[1] == 1).all())
        first = int((weights[0] == LETTERS_WEIGHT).flatten().nonzero()[0])
        assert first * 8 <= band_top(width, height) < (first + 2) * 8
        assert bool((weights[0, :, first:] == LETTERS_WEIGHT).all()) and bool((weights[0, :, :first] == 1).all())
