"""Versions of a price book: each applies from its start on."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from credits_core import PriceBook, Priced
from credits_core.errors import InvalidRequestError, PricingConfigError
from credits_core.tokens import TokenUsage
from tests.core.price_tables import book_of

LATER = """
version = "2026"

[actions]
chat = 10
image = 3

[multipliers.complexity]
high = 2

[[versions]]
starts = 2027-01-01
actions.chat = 12

[[versions]]
version = "summer"
starts = 2027-06-01T00:00:00+02:00
actions.video = { rate = 5, unit = "second" }
multipliers.complexity = { high = 3 }
"""
JUNE = datetime(2027, 5, 31, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "named", "chat"),
    [
        (datetime(2001, 9, 10, tzinfo=UTC), "2026", 20),
        (datetime(2026, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), "2026", 20),
        (datetime(2027, 1, 1, tzinfo=UTC), "2027-01-01", 24),
        (1_798_761_600_000, "2027-01-01", 24),  # the same in ms
        (JUNE - timedelta(milliseconds=1), "2027-01-01", 24),
        (JUNE, "summer", 36),
        (datetime(9999, 1, 1, tzinfo=UTC), "summer", 36),
    ],
)
def test_a_version_applies_from_its_start_on(at: Any, named: str, chat: int):
    book = PriceBook.from_toml(LATER)
    assert book.version(at).name == named
    quote = book.quote("chat", at=at, complexity="high")
    assert (quote.version, quote.credits) == (named, chat)
    assert book.cost("image", at=at) == 3  # said once, and never changed


def test_a_version_adds_actions_that_were_not_there_before():
    book = PriceBook.from_toml(LATER)
    assert [version.starts for version in book.versions] == [
        None,
        datetime(2027, 1, 1, tzinfo=UTC),
        JUNE,
    ]
    assert book.cost("video", 3, at=JUNE) == 15
    with pytest.raises(PricingConfigError, match=r"'video' in version '2026'.*chat, image"):
        book.max_affordable("video", 3, at=datetime(2026, 1, 1, tzinfo=UTC))


def test_without_an_instant_it_is_now():
    long_ago, to_come = datetime(2002, 1, 1, tzinfo=UTC), datetime(2999, 1, 1, tzinfo=UTC)
    book = PriceBook.from_dict(
        {
            "actions": {"chat": 1},
            "versions": [
                {"starts": long_ago, "actions": {"chat": 2}},
                {"starts": to_come, "actions": {"chat": 3}},
            ],
        }
    )
    assert book.cost("chat") == 2
    assert Priced("chat", engine=book).cost() == 2
    assert not book.priced("chat").steady
    assert book_of(1).priced("work").steady


def test_a_book_may_begin_with_a_version():
    book = PriceBook.from_dict({"versions": [{"starts": "2027-01-01", "actions": {"chat": 1}}]})
    with pytest.raises(PricingConfigError, match="begins at 2027-01-01"):
        book.cost("chat", at=datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize("at", [1, "2027-01-01", datetime(2027, 1, 1), True])  # noqa: DTZ001
def test_an_instant_is_ms_or_an_aware_datetime(at: Any):
    with pytest.raises(InvalidRequestError):
        book_of(1).cost("work", at=at)


def test_a_version_may_have_its_rates_of_tokens():
    book = PriceBook.from_toml("""
    tokens.markup = 2
    tokens.models.small = { input = 10, output = 20 }
    [[versions]]
    starts = 2027-01-01
    tokens.models.small = { input = 1, output = 2 }
    [[versions]]
    starts = 2028-01-01
    """)
    usage = TokenUsage(output_tokens=10**6)
    assert book.rate_card(datetime(2026, 1, 1, tzinfo=UTC)).credits("small", usage) == 40
    for year in (2027, 2028):
        assert book.rate_card(datetime(year, 1, 1, tzinfo=UTC)).credits("small", usage) == 2


def test_a_book_without_rates_of_tokens_says_so():
    with pytest.raises(PricingConfigError, match=r"no rates of tokens: add \[tokens"):
        book_of(1).rate_card()
