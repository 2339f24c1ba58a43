"""Prices on the command line, and a log priced again, against a real server."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest

from credits_core import Credits, PriceBook, hold_credits, require_credits
from tests.adapters.cli.program import document, refusal, run, said

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.servers import Server

BOOK = """
version = "2026"
[actions]
image = 3
[actions.call]
unit = "call"
mode = "graduated"
tiers = [{ up_to = 10, rate = 2 }, { up_to = 20, rate = 0.5, flat = 1 }, { rate = 0 }]
[actions.video]
rate = 0.5
unit = "second"
minimum = 5
maximum = 50
[multipliers.complexity]
high = 2
[multipliers.plan]
pro = "0.8"
[[versions]]
starts = 2999-01-01
actions.image = 5
"""


@pytest.fixture
def book(tmp_path: Path) -> str:
    path = tmp_path / "prices.toml"
    path.write_text(BOOK)
    return str(path)


def price(*words: str) -> str:
    """What a run prints that needs no store."""
    done = run("price", *words)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_the_built_in_prices_need_neither_a_book_nor_a_store():
    assert price("chat_message").startswith("chat_message, 1 (piece): 10 credits by version first")
    assert price("training_job", "4.03").startswith("training_job, 4.03 (GPU hour): 4030 credits")
    told = price("image-generation", "3", "--complexity", "medium")
    assert told.endswith("  3 x 3 = 9\n  complexity medium: x 1.5\n  rounded up from 13.5\n")


def test_a_price_says_how_it_comes_about(book: str):
    assert price("call", "12", "--book", book) == (
        "call, 12 (call): 22 credits by version 2026\n"
        "  tier 1: 10 x 2 = 20\n"
        "  tier 2: 2 x 0.5 = 1\n"
        "  tier 2, flat: 1 x 1 = 1\n"
    )
    levels = ("--multiplier", "plan=pro", "--complexity", "high")
    assert price("video", "3.5", "--book", book, *levels) == (
        "video, 3.5 (second): 5 credits by version 2026\n"
        "  3.5 x 0.5 = 1.75\n"
        "  complexity high: x 2\n"
        "  plan pro: x 0.8\n"
        "  minimum: 5\n"
    )


@pytest.mark.parametrize(
    ("balance", "told"),
    [
        ("30", "30 credits pay for any quantity."),
        ("21", "21 credits pay for 10 (call)."),
        ("22", "22 credits pay for 12 (call)."),
        ("1", "1 credit pay for 0.5 (call)."),
        ("0", "0 credits pay for 0 (call)."),
    ],
)
def test_a_balance_pays_for_so_much(book: str, balance: str, told: str):
    assert price("call", "1", "--book", book, "--balance", balance).splitlines()[-1] == told


def test_a_user_pays_with_what_can_be_spent(server: Server, ledger: Credits, book: str):
    ledger.hold("alice", 30, "train")
    ledger.set_floor("alice", 20)
    told = document(server, "price", "image", "--book", book, "--user", "alice")
    assert (told["balance"], told["affordable"]) == (50, "16")


def test_a_price_as_json_has_its_numbers_exactly(book: str):
    told = json.loads(price("video", "3", "--book", book, "--balance", "7", "--json"))
    assert told == {
        "action": "video",
        "quantity": "3",
        "unit": "second",
        "credits": 5,
        "exact": "5",
        "version": "2026",
        "parts": [{"what": "", "quantity": "3", "each": "0.5", "credits": "1.5"}],
        "factors": {},
        "bound": "minimum",
        "balance": 7,
        "affordable": "14",
    }
    told = json.loads(price("call", "3", "--book", book, "--balance", "99", "--json"))
    assert told["affordable"] is None
    assert "balance" not in json.loads(price("call", "3", "--book", book, "--json"))


def test_a_date_chooses_the_version(book: str):
    assert "3 credits by version 2026" in price("image", "--book", book, "--at", "2998-12-31")
    told = price("image", "--book", book, "--at", "2999-01-01")
    assert "5 credits by version 2999-01-01" in told


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("vdieo", "1"), 1, "no price for 'vdieo'"),
        (("video",), 2, "priced by the second: say how many"),
        (("image", "1.5"), 2, "sold whole"),
        (("image", "-1"), 2, "No such option"),
        (("image", "1e3"), 2, "written as 30 or 4.03"),
        (("image", "nan"), 2, "written as 30 or 4.03"),
        (("image", "--complexity", "low"), 2, "complexity is one of 'high'"),
        (("image", "--multiplier", "size=xl"), 2, "no multipliers 'size'"),
        (("image", "--multiplier", "plan"), 2, "such as complexity=high"),
        (("image", "--multiplier", "plan=a", "--multiplier", "plan=b"), 2, "one level of it"),
        (("image", "--balance", "1", "--user", "alice"), 2, "exclude each other"),
        (("image", "--balance", "1.5"), 2, "digits 0 to 9"),
        (("image", "--at", "soon"), 2, "a date"),
    ],
)
def test_what_cannot_be_priced_is_one_sentence(
    book: str, words: tuple[str, ...], code: int, told: str
):
    done = run("price", "--book", book, *words)
    assert (done.returncode, done.stdout) == (code, "")
    assert told in done.stderr


def test_one_set_of_multipliers_is_chosen_once(book: str):
    twice = ("--complexity", "high", "--multiplier", "complexity=high")
    done = run("price", "image", "--book", book, *twice)
    assert done.returncode == 2
    assert "--complexity and --multiplier complexity=" in done.stderr


def test_a_mistake_in_the_book_names_its_place(tmp_path: Path):
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(BOOK.replace("up_to = 20", "up_to = 5"))
    done = run("price", "image", "--book", str(wrong), "--json")
    assert done.returncode == 1
    told = json.loads(done.stderr)
    assert told["error"] == "PricingConfigError"
    assert told["message"].startswith("actions.call.tiers[1].up_to: above where the tier begins")
    missing = run("price", "image", "--book", str(tmp_path / "none.toml"))
    assert missing.returncode == 1
    assert "none.toml" in missing.stderr


# A log priced again


@pytest.fixture
def charged(ledger: Credits) -> Credits:
    """Alice's account, with charges at the prices of a book and one without."""
    old = PriceBook.from_toml(BOOK.replace("image = 3", "image = 2").partition("[[versions]]")[0])
    with require_credits(ledger, "alice", old.priced("image", 4, complexity="high")) as image:
        pass
    ledger.refund("alice", image.id or "", 4)
    with hold_credits(ledger, "alice", old.priced("video", 30)) as charge:
        charge.settle(old.priced("video", 20.5))
    ledger.deduct("alice", 7, "chat")
    return ledger


def test_a_log_is_priced_again_by_another_book(server: Server, charged: Credits, book: str):
    before = charged.get_transactions("alice")
    told = said(server, "reprice", "alice", "--book", book, "--at", "2026-01-01")
    assert told == (
        "action                         count    quantity     charged    would be  difference\n"
        "image                              1           4          12          18          +6\n"
        "video                              1        20.5          11          11          +0\n"
        "all                                2                      23          29          +6\n"
        "not priced again: 1 of chat, 7 credits: the log does not say how much of it was used\n"
    )
    assert charged.get_transactions("alice") == before


def test_quantities_of_any_length_are_summed_for_the_report(
    server: Server, ledger: Credits, tmp_path: Path
):
    """A quantity may come from a request; no user makes the report of the account fail."""
    words = PriceBook.from_dict({"actions": {"words": {"rate": "0.00001", "unit": "word"}}})
    for quantity in (1e-199, 1_000_000):
        with require_credits(ledger, "alice", words.priced("words", quantity)):
            pass
    book = tmp_path / "words.toml"
    book.write_text('actions.words = { rate = 0.00001, unit = "word" }')
    told = said(server, "reprice", "alice", "--book", str(book))
    assert told.splitlines()[1].split() == ["words", "2", "1000000", "11", "11", "+0"]
    told = document(server, "reprice", "alice", "--book", str(book))
    exact = Fraction(10**205 + 1, 10**199)
    assert Fraction(told["actions"][0]["quantity"]) == exact


def test_a_log_priced_again_as_json(server: Server, charged: Credits, book: str):
    told = document(server, "reprice", "alice", "--book", book, "--at", "2999-01-01")
    assert told == {
        "user_id": "alice",
        "actions": [
            {
                "action": "image",
                "count": 1,
                "quantity": "4",
                "charged": 12,
                "repriced": 30,
                "difference": 18,
            },
            {
                "action": "video",
                "count": 1,
                "quantity": "20.5",
                "charged": 11,
                "repriced": 11,
                "difference": 0,
            },
        ],
        "unpriced": [
            {
                "action": "chat",
                "reason": "the log does not say how much of it was used",
                "count": 1,
                "charged": 7,
            }
        ],
        "charged": 23,
        "repriced": 41,
        "difference": 18,
        "folded_up_to": None,
    }


def test_a_period_without_charges_comes_to_nothing(server: Server, charged: Credits, book: str):
    until = document(server, "reprice", "alice", "--book", book, "--until", "2020-01-01")
    since = document(server, "reprice", "alice", "--book", book, "--since", "2099-01-01")
    assert until == since
    assert (until["actions"], until["unpriced"]) == ([], [])


def test_a_log_needs_a_book_to_be_priced_again(server: Server, ledger: Credits):
    assert "--book" in refusal(server, "reprice", "alice", code=2)
