"""Presets: every one can be drawn, the released family's are its Space's own, and a size is known as the preset it is."""

from __future__ import annotations

import pytest

from studio.domain.sizes import CLASSES, SIDE_MAX, SIDE_MIN, SIDE_STEP, classes, shape_of, shapes


@pytest.mark.parametrize("native", [128, 256, 512, 1024, 1328])
def test_every_preset_can_be_drawn_and_is_found_again_by_its_size(native: int) -> None:
    for side in classes(native):
        offered = shapes(native, side)
        assert len({one.name for one in offered}) == len(offered)
        for one in offered:
            assert min(one.width, one.height) >= SIDE_MIN and max(one.width, one.height) <= SIDE_MAX
            assert one.width % SIDE_STEP == one.height % SIDE_STEP == 0
            assert 0.7 * side**2 <= one.width * one.height <= 1.1 * side**2
            across, down = map(int, one.name.split(":"))
            assert one.width / one.height == pytest.approx(across / down, rel=0.12)
            assert shape_of(one.width, one.height, native) == (one.name, side)


def test_the_released_family_has_eleven_shapes_in_three_classes() -> None:
    assert classes(1024) == tuple(CLASSES) == (1024, 1280, 1536)
    assert [len(shapes(1024, side)) for side in CLASSES] == [11, 11, 11]
    assert shapes(1024) == shapes(1024, 1024)
    by = {one.name: (one.width, one.height) for one in shapes(1024, 1536)}
    assert by["16:9"] == (2048, 1152) and by["9:21"] == (864, 2016)


def test_a_small_checkpoint_has_one_class_and_a_size_of_its_own_is_no_preset() -> None:
    assert classes(128) == (128,) and len(shapes(128)) == 7
    assert shape_of(144, 144, 128) == (None, None)
    assert shape_of(None, "wide", 1024) == (None, None)
