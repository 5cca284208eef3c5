"""Choices in a prompt are decided by the seed; quoted text, other braces and unknown names stay as they are."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enhancer import styles, wildcards
from enhancer.wildcards import has_choices, resolve


def test_the_seed_decides_and_decides_alike() -> None:
    wish = "a {red|green|blue} {cat|dog}"
    found = {resolve(wish, seed) for seed in range(60)}
    assert found == {f"a {colour} {kind}" for colour in ("red", "green", "blue") for kind in ("cat", "dog")}
    assert resolve(wish, 7) == resolve(wish, 7)


def test_choices_lie_within_choices_and_may_be_empty() -> None:
    assert {resolve("a cat{| in a {red|blue} hat}", seed) for seed in range(40)} == {
        "a cat", "a catin a red hat", "a catin a blue hat",
    }  # fmt: skip


@pytest.mark.parametrize(
    "wish",
    [
        'a sign "{OPEN|CLOSED}"', "招牌写着“{开|关}”", "a function f(x) { return x }", "{}", "{name}", "a | b", "__init__.py on a poster",
        "{{value}} and ${value}", '"__animal__"', "a set {1, 2, 3}",
    ],
)  # fmt: skip
def test_what_is_no_choice_stays_text(wish: str) -> None:
    assert not has_choices(wish)
    assert all(resolve(wish, seed) == wish for seed in range(5))


def test_a_choice_between_quoted_texts() -> None:
    assert {resolve('a shop with {"OPEN"|"SHUT | BACK AT 5"}', seed) for seed in range(20)} == {
        'a shop with "OPEN"', 'a shop with "SHUT | BACK AT 5"',
    }  # fmt: skip


def test_lists_of_the_wishs_own_language() -> None:
    assert resolve("a __colour__ __animal__", 3).split()[2] in wildcards.shipped_lists("en")["animal"]
    assert resolve("一只__animal__", 3)[2:] in wildcards.shipped_lists("zh")["animal"]
    assert wildcards.shipped_lists("en").keys() == wildcards.shipped_lists("zh").keys()


def test_a_hosts_own_lists(tmp_path: Path) -> None:
    (tmp_path / "hat.txt").write_text("# hats\na bowler\n\na {red|blue} cap\n", encoding="utf-8")
    (tmp_path / "Not A Name.txt").write_text("x", encoding="utf-8")
    (tmp_path / "broken.txt").write_bytes(b"\xff\xfe\xff")
    lists = wildcards.host_lists(tmp_path)
    assert list(lists) == ["hat"]
    assert {resolve("a cat with __hat__", seed, lists) for seed in range(30)} == {
        "a cat with a bowler", "a cat with a red cap", "a cat with a blue cap",
    }  # fmt: skip
    assert wildcards.host_lists(tmp_path / "none") == {}


@given(st.text(alphabet="ab{}|\"'“”_ \ue000\ue001\n", max_size=60), st.integers(0, 2**53 - 1))
def test_any_text_is_decided_and_quoted_text_never_changes(wish: str, seed: int) -> None:
    found = resolve(wish, seed)
    assert resolve(wish, seed) == found
    if not has_choices(wish):
        assert found == wish


@given(st.text(max_size=20).filter(lambda text: '"' not in text and "\n" not in text and text))
def test_a_quoted_text_survives_beside_choices(text: str) -> None:
    assert f'"{text}"' in resolve(f'{{a|b}} sign "{text}" and {{c|d}}', 5)


def test_a_bound_on_choices() -> None:
    wish = "{a|b}" * 300
    assert resolve(wish, 1).count("{a|b}") == 300 - wildcards.CHOICES_MAX


def test_styles_are_many_and_whole() -> None:
    found = styles.load("general")
    assert len(found) >= 20 and len({one.name for one in found}) == len(found)
    for one in (*found, *styles.load("pocket")):
        assert one.titles["en"] and one.titles["zh"] and one.words["en"] and one.words["zh"]
        assert one.apply("a cat").startswith("a cat, ") and one.apply("一只猫。").startswith("一只猫。")
    with pytest.raises(ValueError, match=r"There is no set of styles '\.\./x'; there are: general, pocket"):
        styles.load("../x")
