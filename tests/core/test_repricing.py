"""What a past log would have cost under another book: pure, over entries as they are read."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credits_core import InvalidRequestError, PriceBook, Transaction
from credits_core.pricing import Repriced, Unpriced, Used, UsedTokens, read_used, reprice_log
from credits_core.pricing.repricing import Repricer
from credits_core.tokens import TokenUsage

if TYPE_CHECKING:
    from credits_core.models import Kind

OLD = PriceBook.from_dict(
    {
        "actions": {"image": 3, "video": {"rate": 2, "unit": "second"}},
        "multipliers": {"size": {"large": 2}},
    }
)
NEW = PriceBook.from_dict(
    {
        "actions": {"image": 5, "video": {"rate": "1.5", "unit": "second"}},
        "multipliers": {"size": {"large": 3}},
    }
)


class Log:
    """A log as it is written, oldest first; read newest first."""

    def __init__(self) -> None:
        self.entries: list[Transaction] = []

    def entry(self, amount: Any, kind: Kind, metadata: Any = None, **more: Any) -> str:
        number = len(self.entries)
        action = more.pop("action", "work")
        tx_id = f"tx_{number}"
        if kind == "hold":
            more["hold_id"] = tx_id
        self.entries.append(Transaction(tx_id, amount, action, metadata, number, kind, **more))
        return tx_id

    def charge(self, action: str, quantity: Any, **levels: str) -> str:
        quote = OLD.quote(action, quantity, **levels)
        return self.entry(-quote.credits, "deduct", quote.metadata)

    def hold(self, action: str, quantity: Any) -> str:
        quote = OLD.quote(action, quantity)
        return self.entry(-quote.credits, "hold", quote.metadata)

    def settle(self, hold_id: str, kept: int, metadata: Any = None) -> str:
        return self.entry(0, "settle", metadata, hold_id=hold_id, kept=kept)

    def refund(self, tx_id: str, amount: int) -> str:
        return self.entry(amount, "refund", refers_to=tx_id)

    def repriced(self, book: PriceBook = NEW, **options: Any) -> Any:
        return reprice_log(reversed(self.entries), book, **options)


def test_charges_are_summed_by_action_under_both_books():
    log = Log()
    log.charge("image", 2)
    log.charge("video", Fraction(5, 2))  # 5, and 3.75
    log.charge("image", 1, size="large")  # 6, and 15
    report = log.repriced()
    assert report.actions == (
        Repriced("image", 2, Fraction(3), 12, 25),
        Repriced("video", 1, Fraction(5, 2), 5, 4),
    )
    assert (report.unpriced, report.folded_up_to) == ((), None)
    assert [one.difference for one in report.actions] == [13, -1]
    assert (report.charged, report.repriced, report.difference) == (17, 29, 12)


def test_under_its_own_book_a_log_costs_what_it_cost():
    log = Log()
    log.charge("image", 7)
    log.refund(log.charge("video", 30), 13)
    log.settle(log.hold("video", 10), 20)
    assert log.repriced(OLD).difference == 0


def test_what_was_given_back_is_given_back_of_the_new_price_too():
    log = Log()
    log.refund(log.charge("image", 10), 10)  # a third of 30, and of 50
    whole = log.charge("image", 4)
    log.refund(whole, 5)
    log.refund(whole, 7)
    assert log.repriced().actions == (Repriced("image", 1, Fraction(10), 20, 34),)


def test_a_refund_after_the_period_counts_and_a_charge_after_it_does_not():
    log = Log()
    before = log.charge("image", 1)
    inside = log.charge("image", 10)
    after = log.charge("image", 100)
    for charge in (after, inside, before):
        log.refund(charge, 3)
    report = log.repriced(start_time=1, end_time=1)
    assert report.actions == (Repriced("image", 1, Fraction(10), 27, 45),)


def test_a_hold_costs_what_was_kept_of_it():
    log = Log()
    log.settle(log.hold("video", 10), 20)  # as estimated
    told = log.hold("video", 10)
    log.entry(-5, "extend", hold_id=told)
    log.settle(told, 24, OLD.quote("video", 12).metadata)
    released, expired = log.hold("video", 99), log.hold("video", 99)
    log.entry(198, "release", hold_id=released, kept=0)
    log.entry(198, "expire", hold_id=expired)
    report = log.repriced()
    assert report.actions == (Repriced("video", 2, Fraction(22), 44, 33),)
    assert report.unpriced == ()


def test_a_settled_hold_that_was_refunded_is_netted():
    log = Log()
    log.refund(log.settle(log.hold("video", 10), 20), 10)
    log.refund(log.settle(log.hold("image", 10), 30), 30)
    assert log.repriced().actions == (Repriced("video", 1, Fraction(10), 10, 8),)


def test_a_hold_that_was_charged_after_it_had_expired_counts():
    log = Log()
    hold = log.hold("video", 10)
    log.entry(20, "expire", hold_id=hold)
    log.settle(hold, 20)
    assert log.repriced().actions == (Repriced("video", 1, Fraction(10), 20, 15),)


def test_nothing_of_a_charge_is_remembered_once_it_has_come():
    log = Log()
    for _ in range(3):
        log.refund(log.charge("image", 4), 1)
        log.refund(log.settle(log.hold("video", 10), 20), 1)
    repricer = Repricer(NEW)
    for entry in reversed(log.entries):
        repricer.take(entry)
    assert not repricer._refunds
    assert not repricer._ends


def test_a_hold_belongs_to_the_period_in_which_it_was_made():
    log = Log()
    early = log.hold("video", 10)
    late = log.hold("video", 30)
    log.settle(early, 20)
    log.settle(late, 60)
    assert log.repriced(end_time=0).charged == 20
    assert log.repriced(start_time=1).charged == 60


def test_what_cannot_be_priced_again_says_why():
    log = Log()
    log.entry(-7, "deduct", action="chat")
    log.entry(-8, "deduct", {"priced": {"action": "image"}}, action="chat")
    log.entry(-2.5, "deduct", action="foreign")
    log.hold("video", 10)
    log.settle(log.hold("video", 10), 12)
    log.charge("image", 2)
    log.charge("image", 1, size="large")
    report = log.repriced(PriceBook.from_dict({"actions": {"video": 1, "image": 3}}))
    told = {(one.action, one.count, one.charged): one.reason for one in report.unpriced}
    assert told.keys() == {
        ("chat", 2, 15),
        ("foreign", 1, 3),
        ("work", 1, 0),
        ("work", 1, 12),
        ("work", 1, 6),
    }
    assert "does not say how much" in told["chat", 2, 15]
    assert "a fraction of a credit" in told["foreign", 1, 3]
    assert "not settled yet" in told["work", 1, 0]
    assert "something else than its price" in told["work", 1, 12]
    assert "no multipliers 'size'" in told["work", 1, 6]
    assert report.actions == (Repriced("image", 1, Fraction(2), 6, 6),)


def test_an_action_without_a_price_in_the_new_book_is_told():
    log = Log()
    log.charge("image", 1)
    (unpriced,) = log.repriced(PriceBook.from_dict({"actions": {"video": 1}})).unpriced
    assert unpriced == Unpriced("work", unpriced.reason, 1, 3)
    assert "no price for 'image'" in unpriced.reason


def test_additions_and_transfers_are_no_charges():
    log = Log()
    for kind, amount in (("add", 5), ("sign_up", 100), ("transfer", -5), ("revoke", -5)):
        log.entry(amount, kind)
    log.entry(-5, "expire", grant_id="tx_1")
    assert log.repriced() == reprice_log([], NEW)


def test_folded_charges_are_missing_and_said_to_be():
    log = Log()
    log.charge("image", 1)
    log.entry(-30, "checkpoint")
    log.charge("image", 1)
    assert log.repriced().folded_up_to == 1


def test_each_charge_is_priced_by_the_version_of_its_time_or_all_by_one():
    base = 1_800_000_000_000
    book = PriceBook.from_dict(
        {
            "actions": {"image": 10},
            "versions": [{"starts": "2027-06-01", "actions": {"image": 20}}],
        }
    )
    start = book.versions[1].starts_ms
    assert start is not None
    assert start > base
    metadata = OLD.quote("image", 1).metadata
    entries = [
        Transaction("b", -3, "work", metadata, start, "deduct"),
        Transaction("a", -3, "work", metadata, start - 1, "deduct"),
    ]
    assert reprice_log(entries, book).repriced == 30
    assert reprice_log(entries, book, at=base).repriced == 20
    assert reprice_log(entries, book, at=start).repriced == 40


def test_a_hold_that_was_settled_at_a_price_is_priced_by_the_version_of_that_moment():
    book = PriceBook.from_dict(
        {
            "actions": {"image": 10},
            "versions": [{"starts": "2027-06-01", "actions": {"image": 20}}],
        }
    )
    start = book.versions[1].starts_ms
    assert start is not None
    estimate = book.quote("image", 3, at=start - 1)
    settled = book.quote("image", 2, at=start)
    estimated = Transaction("a", -30, "work", estimate.metadata, start - 1, "hold", hold_id="a")
    told = Transaction("b", -10, "work", settled.metadata, start, "settle", hold_id="a", kept=40)
    silent = Transaction("b", 0, "work", None, start, "settle", hold_id="a", kept=30)
    assert reprice_log([told, estimated], book).difference == 0
    assert reprice_log([silent, estimated], book).difference == 0
    # The period is that of the hold all the same.
    assert reprice_log([told, estimated], book, end_time=start - 1).charged == 40


def test_an_archive_that_begins_with_the_oldest_entry_is_refused():
    log = Log()
    log.refund(log.charge("image", 4), 12)
    with pytest.raises(InvalidRequestError, match="newest first"):
        reprice_log(log.entries, NEW)


def test_the_period_of_an_archive_is_said_as_that_of_an_account():
    log = Log()
    for _ in range(3):
        log.charge("image", 1)
    second = datetime.fromtimestamp(0.001, UTC)
    assert log.repriced(start_time=second).charged == 6
    assert log.repriced(end_time=second).charged == 6
    with pytest.raises(InvalidRequestError, match="start_time is a datetime without a time zone"):
        log.repriced(start_time=datetime(2027, 1, 1))  # noqa: DTZ001
    with pytest.raises(InvalidRequestError, match="at is in milliseconds"):
        log.repriced(at=1_800_000_000)


def test_a_settle_that_tells_something_else_leaves_the_word_to_its_hold():
    log = Log()
    log.settle(log.hold("video", 10), 20, {"note": "as estimated"})
    log.settle(log.hold("video", 10), 15, {"note": "by hand"})
    report = log.repriced()
    assert report.actions == (Repriced("video", 1, Fraction(10), 20, 15),)
    assert "something else than its price" in report.unpriced[0].reason


def test_an_app_may_say_what_its_older_entries_were_for():
    log = Log()
    log.entry(-30, "deduct", {"seconds": 15})
    report = log.repriced(used=lambda entry: Used("video", entry.metadata["seconds"]))
    assert report.actions == (Repriced("video", 1, Fraction(15), 30, 23),)


def test_a_float_that_an_app_says_is_summed_as_the_decimal_that_it_was_priced_as():
    log = Log()
    log.entry(-8, "deduct")
    report = log.repriced(used=lambda _: Used("video", 4.03))
    assert report.actions == (Repriced("video", 1, Fraction("4.03"), 8, 7),)


def test_tokens_are_priced_by_the_rates_of_the_book():
    log = Log()
    tokens = {"model": "small", "input_tokens": 3_000_000, "output_tokens": 500_000}
    log.entry(-100, "deduct", tokens, action="completion")
    log.entry(-9, "deduct", tokens | {"model": "large"}, action="completion")
    log.entry(-5, "deduct", tokens | {"credits": 40}, action="short")
    book = PriceBook.from_toml("tokens.models.small = { input = 10, output = 20 }")
    report = log.repriced(book)
    assert report.actions == (Repriced("completion", 1, Fraction(3_500_000), 100, 40),)
    dearer, short = report.unpriced
    assert "no rates for the model 'large'" in dearer.reason
    assert (short.charged, "something else than its price" in short.reason) == (5, True)
    assert "no rates of tokens" in log.repriced(NEW).unpriced[0].reason


# What the log keeps


@pytest.mark.parametrize("quantity", [0, 3, Fraction(1, 3), 4.03, 10**150, Fraction(1, 7**90)])
def test_what_a_quote_keeps_is_read_as_it_was(quantity: Any):
    book = PriceBook.from_dict(
        {
            "actions": {"x": {"rate": "0.01", "unit": "s", "maximum": 5}},
            "multipliers": {"size": {"large": 2}},
        }
    )
    quote = book.quote("x", quantity, multiplier=Fraction(2, 3), size="large")
    read = read_used(Transaction("a", -1, "work", quote.metadata, 0, "deduct"))
    assert read == Used("x", quote.quantity, Fraction(2, 3), {"size": "large"}, quote.credits)


@pytest.mark.parametrize(
    "metadata",
    [
        None,
        {},
        {"priced": None},
        {"priced": []},
        {"priced": {"action": "x"}},
        {"priced": {"action": 1, "quantity": "1"}},
        {"priced": {"action": "x", "quantity": 1}},
        {"priced": {"action": "x", "quantity": "-1"}},
        {"priced": {"action": "x", "quantity": "1e999999999"}},
        {"priced": {"action": "x", "quantity": "1/0"}},
        {"priced": {"action": "x", "quantity": "nan"}},
        {"priced": {"action": "x", "quantity": "9" * 201}},
        {"priced": {"action": "x", "quantity": "1", "multiplier": 2}},
        {"priced": {"action": "x", "quantity": "1", "multipliers": "size"}},
        {"model": "m"},
        {"model": 3, "input_tokens": 1},
        {"model": "m", "input_tokens": -1},
    ],
)
def test_metadata_that_tells_nothing_of_use_is_not_read(metadata: Any):
    assert read_used(Transaction("a", -1, "work", metadata, 0, "deduct")) is None


def test_counts_of_tokens_are_read_as_the_callback_keeps_them():
    entry = Transaction("a", -1, "chat", {"model": "m", "input_tokens": 5}, 0, "deduct")
    assert read_used(entry) == UsedTokens("chat", "m", TokenUsage(input_tokens=5))


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["charge", "hold"]),
            st.integers(0, 20),
            st.integers(0, 100),
            st.booleans(),
        ),
        max_size=20,
    )
)
def test_any_log_sums_to_what_its_charges_cost_by_themselves(made: Any):
    """Each charge is followed by what becomes of it, in the end, after all others."""
    log, ends = Log(), []
    charged = repriced = count = 0
    for kind, quantity, percent, in_part in made:
        cost, new = OLD.cost("video", quantity), NEW.cost("video", quantity)
        back = cost * percent // 100 if in_part else 0
        if kind == "hold":
            ends.append((log.hold("video", quantity), cost, back))
        else:
            ends.append((log.charge("video", quantity), None, back))
        if cost - back:
            count += 1
            charged += cost - back
            repriced += math.ceil(Fraction(new * (cost - back), cost))
    for tx_id, kept, back in reversed(ends):
        ended = tx_id if kept is None else log.settle(tx_id, kept)
        if back:
            log.refund(ended, back)
    report = log.repriced()
    assert sum(one.count for one in report.actions) == count
    assert (report.charged, report.repriced) == (charged, repriced)
    assert report.unpriced == ()
