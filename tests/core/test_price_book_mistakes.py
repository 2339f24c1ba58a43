"""What a price book refuses, and how it says so."""

import math
from pathlib import Path
from typing import Any

import pytest

from credits_core import PriceBook
from credits_core.errors import InvalidRequestError, PricingConfigError

COMPLEXITY = {"low": 1, "medium": 1.5, "high": 2, "none": 0}


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda book: book.cost("work", complexity="extreme"), "'low', 'medium', 'high', 'none'"),
        (lambda book: book.cost("work", size="xl"), "no multipliers 'size'; it has 'complexity'"),
        (lambda book: book.cost("work", complexity=["low"]), "complexity is one of"),
        (lambda book: book.cost("work", -1), "0 or more"),
        (lambda book: book.cost("work", quantity=True), "not bool"),
        (lambda book: book.cost("work", "3"), "not str"),
        (lambda book: book.cost("work", 1.5), r"not in fractions \(piece\)"),
        (lambda book: book.cost("work", multiplier=-1), "multiplier of 'work'"),
        (lambda book: book.cost("work", 10**15), "check the unit, or charge it in parts"),
        (lambda book: book.quote("work", 10**300, complexity="none").metadata, "more than 200"),
    ],
)
def test_what_cannot_be_priced_is_refused(call: Any, told: str):
    book = PriceBook.from_dict({"actions": {"work": 15}, "multipliers": {"complexity": COMPLEXITY}})
    with pytest.raises(InvalidRequestError, match=told):
        call(book)


def test_a_price_a_piece_is_for_whole_pieces_in_a_table_too():
    book = PriceBook.from_dict({"actions": {"work": {"price": 10, "unit": "image"}}})
    with pytest.raises(InvalidRequestError, match=r"sold whole, not in fractions \(image\)"):
        book.cost("work", 0.5)


@pytest.mark.parametrize("action", ["wrok", "", None, ["work"]])
def test_an_unknown_action_names_those_that_are_known(action: Any):
    with pytest.raises(PricingConfigError, match="priced are work") as caught:
        PriceBook.from_dict({"actions": {"work": 1}}).cost(action)
    assert caught.value.action == str(action)


GOOD = {"rate": 1, "unit": "s"}


@pytest.mark.parametrize(
    ("book", "place", "told"),
    [
        (None, "the book", "a table with the key actions, not NoneType"),
        ({}, "actions", "missing"),
        ({"action": {}}, "action", "no key here; there are version, actions"),
        ({"actions": []}, "actions", "not list"),
        ({"actions": {"a b ": 1}}, 'actions."a b "', "blanks"),
        ({"actions": {"user_initialized": 1}}, "actions.user_initialized", "sign-up"),
        ({"actions": {"x" * 65: 1}}, f"actions.{'x' * 65}", "longer than 64"),
        ({"actions": {"x": True}}, "actions.x", "a number"),
        ({"actions": {"x": "1,5"}}, "actions.x", "plain decimal"),
        ({"actions": {"x": math.nan}}, "actions.x", "finite"),
        ({"actions": {"x": 10**16}}, "actions.x", "at most"),
        ({"actions": {"x": {}}}, "actions.x", "none of them"),
        ({"actions": {"x": {"rate": 1, "price": 1}}}, "actions.x", "price, rate"),
        ({"actions": {"x": {"rate": 1}}}, "actions.x.unit", "missing"),
        ({"actions": {"x": {"rate": 1, "unit": " "}}}, "actions.x.unit", "blank"),
        ({"actions": {"x": {**GOOD, "per": 1}}}, "actions.x.per", "no key here"),
        ({"actions": {"x": {**GOOD, "mode": 1}}}, "actions.x.mode", "no key here"),
        ({"actions": {"x": {**GOOD, "rate": -1}}}, "actions.x.rate", "0 or more"),
        ({"actions": {"x": {**GOOD, "whole": 1}}}, "actions.x.whole", "true or false"),
        ({"actions": {"x": {**GOOD, "minimum": 0.5}}}, "actions.x.minimum", "whole number"),
        ({"actions": {"x": {**GOOD, "minimum": True}}}, "actions.x.minimum", "whole number"),
        ({"actions": {"x": {**GOOD, "minimum": -1}}}, "actions.x.minimum", "0 or more"),
        ({"actions": {"x": {**GOOD, "maximum": 0}}}, "actions.x.maximum", "at least 1"),
        (
            {"actions": {"x": {**GOOD, "minimum": 3, "maximum": 2}}},
            "actions.x.maximum",
            "no less than the minimum",
        ),
        ({"multipliers": {"at": {"x": 1}}}, "multipliers.at", "not action, at"),
        ({"multipliers": {"a-b": {"x": 1}}}, "multipliers.a-b", "argument of Python"),
        ({"multipliers": {"self": {"x": 1}}}, "multipliers.self", "argument of Python"),
        ({"multipliers": {"class": {"x": 1}}}, "multipliers.class", "argument of Python"),
        ({"multipliers": {"size": {}}}, "multipliers.size", "at least one level"),
        ({"multipliers": {"size": 2}}, "multipliers.size", "not int"),
        ({"multipliers": {"size": {"xl": -2}}}, "multipliers.size.xl", "0 or more"),
        ({"tokens": {}}, "tokens.models", "no model has rates"),
        ({"tokens": 1}, "tokens", "a rate card"),
        ({"tokens": {"models": {"m": {"input": 1}}}}, "tokens.models.m.output", "missing"),
        ({"version": ""}, "actions", "missing"),
        ({"version": "", "actions": {}}, "version", "blank"),
        ({"version": "x", "versions": [{"starts": "2027-01-01"}]}, "version", "there are none"),
        ({"versions": {}}, "versions", "a list"),
        ({"versions": [1]}, "versions[0]", "a table with starts"),
        ({"versions": [{}]}, "versions[0].starts", "missing"),
        ({"versions": [{"starts": "soon"}]}, "versions[0].starts", "a date"),
        ({"versions": [{"starts": 2027}]}, "versions[0].starts", "a date"),
        ({"versions": [{"starts": "2027-01-01T10:00"}]}, "versions[0].starts", "its zone"),
        ({"versions": [{"starts": "0001-01-01T00:00+14:00"}]}, "versions[0].starts", "1 to 9999"),
        ({"versions": [{"starts": "9999-12-31T23:00-02:00"}]}, "versions[0].starts", "1 to 9999"),
        (
            {"versions": [{"starts": "2027-01-01", "versions": []}]},
            "versions[0].versions",
            "no key",
        ),
        (
            {"versions": [{"starts": "2027-01-01", "actions": {"x": {"rate": -1, "unit": "s"}}}]},
            "versions[0].actions.x.rate",
            "0 or more",
        ),
        (
            {"versions": [{"starts": "2027-01-01"}, {"starts": "2027-01-01"}]},
            "versions[1].starts",
            "in the order of their starts",
        ),
        (
            {"actions": {}, "versions": [{"starts": "2027-01-01", "version": "first"}]},
            "versions[0].version",
            "a version 'first' before",
        ),
    ],
)
def test_a_mistake_in_a_book_is_told_with_its_place(book: Any, place: str, told: str):
    with pytest.raises(PricingConfigError, match=told) as caught:
        PriceBook.from_dict(book)
    assert str(caught.value).startswith(f"{place}: ")
    assert caught.value.action == place


@pytest.mark.parametrize(
    ("rows", "mode", "place", "told"),
    [
        ([], "volume", "actions.x.tiers", "at least one"),
        ("ab", "volume", "actions.x.tiers", "a list"),
        ([{"rate": 1}], None, "actions.x.mode", "missing: 'graduated'.*'volume'"),
        ([{"rate": 1}], "gradual", "actions.x.mode", "'volume'.*, not 'gradual'"),
        pytest.param(
            [{"rate": 1}], 10**5000, "actions.x.mode", "not int", id="a mode too long to print"
        ),
        ([1], "volume", "actions.x.tiers[0]", "a table"),
        ([{}], "volume", "actions.x.tiers[0]", "a rate, a flat amount"),
        ([{"rate": 1, "upto": 1}], "volume", "actions.x.tiers[0].upto", "no key here"),
        ([{"rate": 1, "up_to": 5}], "volume", "actions.x.tiers[0].up_to", "last tier has no end"),
        ([{"rate": 1}, {"rate": 1}], "volume", "actions.x.tiers[0].up_to", "missing"),
        (
            [{"rate": 1, "up_to": 5}, {"rate": 1, "up_to": 5}, {"rate": 1}],
            "graduated",
            "actions.x.tiers[1].up_to",
            "above where the tier begins, which is 5",
        ),
        (
            [{"rate": 1, "up_to": 0}, {"rate": 1}],
            "graduated",
            "actions.x.tiers[0].up_to",
            "above where the tier begins, which is 0",
        ),
        ([{"flat": -1}], "graduated", "actions.x.tiers[0].flat", "0 or more"),
    ],
)
def test_a_mistake_in_tiers_is_told_with_its_place(rows: Any, mode: Any, place: str, told: str):
    price = {"unit": "s", "tiers": rows} | ({} if mode is None else {"mode": mode})
    with pytest.raises(PricingConfigError, match=told) as caught:
        PriceBook.from_dict({"actions": {"x": price}})
    assert str(caught.value).startswith(f"{place}: ")


@pytest.mark.parametrize(
    ("package", "rate", "place", "told"),
    [
        (10, None, "actions.x.package", "a table with size and price"),
        ({"size": 10}, None, "actions.x.package.price", "missing"),
        ({"size": 0, "price": 1}, None, "actions.x.package.size", "above 0"),
        ({"size": 1, "price": 1, "of": 1}, None, "actions.x.package.of", "no key here"),
        ({"size": 10, "price": 90}, 8, "actions.x.rate", "nobody would take one"),
    ],
)
def test_a_mistake_in_packages_is_told_with_its_place(
    package: Any, rate: Any, place: str, told: str
):
    price = {"unit": "image", "package": package} | ({} if rate is None else {"rate": rate})
    with pytest.raises(PricingConfigError, match=told) as caught:
        PriceBook.from_dict({"actions": {"x": price}})
    assert str(caught.value).startswith(f"{place}: ")


def test_text_that_is_no_toml_is_told_as_such(tmp_path: Path):
    with pytest.raises(PricingConfigError, match=r"the book: this text is no TOML: .*line 1"):
        PriceBook.from_toml("[actions\n")
    with pytest.raises(PricingConfigError, match="the book: the text of a file, not bytes"):
        PriceBook.from_toml(b"")  # type: ignore[arg-type]
    with pytest.raises(PricingConfigError, match="the book: this text is no TOML: "):
        PriceBook.from_toml("deep = " + "[" * 100_000)
    (tmp_path / "latin.toml").write_bytes(b"# caf\xe9\n")
    with pytest.raises(PricingConfigError, match="no UTF-8"):
        PriceBook.from_file(tmp_path / "latin.toml")
    with pytest.raises(FileNotFoundError):
        PriceBook.from_file(tmp_path / "none.toml")
