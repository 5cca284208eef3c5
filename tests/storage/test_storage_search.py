"""Search: Chinese by character, words by their beginnings, and never FTS5's own syntax."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from storage.errors import BadQuery
from storage.records import Step
from storage.search import query_parser
from storage.search.pages import PageRequest

TEXT = st.text(max_size=60) | st.text('ab兔子 "-*():^{}+.ANDORNOT\u0301é😀\x00', max_size=40)
PROPERTY = settings(
    deadline=None,
    max_examples=40,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def found(kit, query, owner="ann"):
    page = kit.store.pictures.page(PageRequest(owner=owner, query=query, limit=200))
    assert page.total == len(page.items)
    return [picture.prompt for picture in page.items]


def test_chinese_words_of_two_characters_and_single_ones_are_found(kit):
    for prompt in ("两只兔子在紫色背景上", "一只兔和它的儿子", "三只鸡"):
        kit.picture(prompt)
    assert found(kit, "兔子") == ["两只兔子在紫色背景上"]
    assert found(kit, "兔") == ["一只兔和它的儿子", "两只兔子在紫色背景上"]
    assert found(kit, "紫色背景") == ["两只兔子在紫色背景上"]
    assert found(kit, "兔子 紫色") == ["两只兔子在紫色背景上"]
    assert found(kit, "紫兔") == []
    assert found(kit, "只 -兔") == ["三只鸡"]


def test_words_are_found_by_their_beginnings_without_case_and_accents(kit):
    kit.picture("Three RABBITS by a Café, Straße")
    for query in ("rab", "rabbits", "Rabbit caf", "CAFÉ", "cafe\u0301", "strasse", "\uff32\uff21\uff22"):
        assert len(found(kit, query)) == 1, query
    for query in ("abbits", "rabbitss", "rab dog"):
        assert found(kit, query) == [], query


def test_quotes_hold_words_together_as_they_stand(kit):
    kit.picture("a red fox and a blue bird")
    assert len(found(kit, '"red fox"')) == len(found(kit, '"red fo')) == len(found(kit, "fox red")) == 1
    assert found(kit, '"fox red"') == found(kit, '"red fo"') == []
    assert found(kit, '-"red fox" bird') == [] and len(found(kit, '-"fox red" bird')) == 1


def test_a_minus_excludes_what_the_word_would_find(kit):
    for prompt in ("a cat", "a cat and a dog", "a dog"):
        kit.picture(prompt)
    assert found(kit, "cat -dog") == ["a cat"]
    assert found(kit, "-dog") == ["a cat"]
    assert found(kit, "-cat -dog") == []
    assert found(kit, "--do") == ["a cat"]
    assert len(found(kit, "-")) == 3


def test_every_kept_text_is_searched_and_phrases_end_with_their_text(kit):
    steps = [Step(name=name, text=text) for name, text in (("keep", "an otter"), ("solve", "七加八"))]
    enhancement = kit.enhancement(original="sum", steps=steps)
    new = {"original_prompt": "walrus", "negative_prompt": "blurry", "enhancement_id": enhancement.id}
    kit.picture("final zebra", **new)
    for query in ("zebra", "walrus", "blurry", "otter", "七加", "zebra walrus"):
        assert found(kit, query) == ["final zebra"], query
    assert found(kit, '"zebra walrus"') == []
    assert found(kit, "ann") == [] and found(kit, query_parser.owner_token("ann")) == []


SYNTAX = (
    *("a AND", "OR", "NOT x", "NEAR(a b)", "prompt:cat", "owner:ann", "{prompt} : cat", "^cat", "cat*", "*"),
    *('"', '""', '"""', "'; DROP TABLE pictures; --", "(", ")", "a)(b", "\\", "%", "_", "\x00", "a\x00b"),
    *("-", "- -", '-"', "\ud800", "a\ud800b", "💥", "❤\ufe0f", "\u0301"),
    *("-a " * 300, "a " * 499, '"' * 999, "字" * 1000),
)


@pytest.mark.parametrize("query", SYNTAX, ids=ascii)
def test_syntax_is_only_text(kit, query):
    kit.picture("cat")
    found(kit, query)
    assert found(kit, "cat") == ["cat"]


def test_an_emoji_is_a_word(kit):
    kit.picture("rocket 🚀🌙 to the ❤️")
    assert len(found(kit, "🌙")) == len(found(kit, "🚀🌙")) == len(found(kit, "❤")) == 1
    assert found(kit, "🌞") == []


def test_a_query_beyond_its_bound_is_a_sentence(kit):
    with pytest.raises(BadQuery, match=r"query must have at most 1,000 characters .got 1,001"):
        found(kit, "x" * 1001)
    with pytest.raises(BadQuery, match="query must be a text"):
        found(kit, 5)


@PROPERTY
@given(prompt=TEXT.filter(lambda text: text.strip()), data=st.data())
def test_a_picture_is_found_by_any_word_of_its_prompt(shared_kit, prompt, data):
    assume(all(not "\ud800" <= c <= "\udfff" for c in prompt))
    word = data.draw(st.sampled_from(prompt.split()))
    assume(not word.startswith("-") and '"' not in word)
    id = shared_kit.picture(prompt).id
    newest = shared_kit.store.pictures.page(PageRequest(owner="ann", query=word, limit=1)).items
    assert [picture.id for picture in newest] == [id]
    if list(query_parser.tokens(word)):
        excluded = shared_kit.store.pictures.page(PageRequest(owner="ann", query=f"-{word}", limit=1)).items
        assert id not in [picture.id for picture in excluded]
        assert shared_kit.store.pictures.page(PageRequest(owner="bob", query=word)).items == ()


@PROPERTY
@given(query=st.text(max_size=200) | TEXT)
def test_any_text_can_be_searched_for(shared_kit, query):
    page = shared_kit.store.pictures.page(PageRequest(owner="ann", query=query))
    assert page.total >= len(page.items)


@PROPERTY
@given(text=st.text(max_size=200) | TEXT)
def test_tokens_are_stable_and_hold_nothing_that_fts5_could_read(text):
    tokens = list(query_parser.tokens(text))
    assert list(query_parser.tokens(" ".join(tokens))) == tokens
    for token in tokens:
        assert token and not set(token) & set(" \"'*():^{}+-\x00")


def test_counting_stops_at_the_cap_and_says_so(kit):
    many = query_parser.COUNT_CAP + 1
    job = kit.job(count=many)
    first = kit.store.pictures.add(kit.new(job, prompt="a cat"), kit.image(), finish=True)
    with kit.store.database.write() as session:
        connection = session.connection()
        columns = [row[1] for row in connection.exec_driver_sql("PRAGMA table_info(pictures)")]
        own = {"key": "NULL", "id": "'copy' || value", "index": "value"}
        chosen = ", ".join(own.get(name, f'"{name}"') for name in columns)
        below = f"SELECT 1 UNION ALL SELECT value + 1 FROM numbers WHERE value < {many - 1}"
        copies = f"WITH RECURSIVE numbers(value) AS ({below})"
        connection.exec_driver_sql(
            f"{copies} INSERT INTO pictures SELECT {chosen} FROM pictures, numbers WHERE id = '{first.id}'"
        )
        connection.exec_driver_sql(
            "INSERT INTO picture_texts SELECT pictures.key, t.owner, t.prompt, t.original, t.negative, "
            "t.reasoning, t.tags, t.note, t.facts FROM pictures, picture_texts t WHERE pictures.key <> t.key"
        )
    page = kit.store.pictures.page(PageRequest(owner="ann", query="cat"))
    assert (page.total, page.capped, page.more, len(page.items)) == (query_parser.COUNT_CAP, True, True, 24)
    page = kit.store.pictures.page(PageRequest(owner="ann"))
    assert (page.total, page.capped) == (many, False)
