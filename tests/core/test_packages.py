"""Packages: data that is checked where it is read, and says where it is wrong."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from credits_core import Credits, PricingConfigError
from credits_core.http.exchange import Asked, Who
from credits_core.http.steps import run
from credits_core.payments import PACKAGES, NotGranted, Package, Packages, Purchase, check

GOOD = {"credits": 100, "price": "9.99"}

WRONG = [
    ({"credits": 0}, "packages.pro.credits: from 1"),
    ({"credits": -1}, "packages.pro.credits: from 1"),
    ({"credits": 10**15 + 1}, "packages.pro.credits: from 1"),
    ({"credits": 1.0}, "packages.pro.credits: a whole number, not float"),
    ({"former_prices": "7.99"}, "packages.pro.former_prices: a list"),
    ({"former_prices": 7}, "packages.pro.former_prices: a list"),
    ({"former_prices": ["7.99", 0]}, "packages.pro.former_prices: above 0"),
    ({"former_prices": ["7.999"]}, "packages.pro.former_prices: 7.999 has more decimals than USD"),
    ({"credits": True}, "packages.pro.credits: a whole number, not bool"),
    ({"credits": "100"}, "packages.pro.credits: a whole number, not str"),
    ({"price": 0}, "packages.pro.price: above 0"),
    ({"price": -1}, "packages.pro.price: above 0"),
    ({"price": "NaN"}, "packages.pro.price: above 0"),
    ({"price": float("inf")}, "packages.pro.price: above 0"),
    ({"price": 10**10}, "packages.pro.price: above 0"),
    ({"price": "9.999"}, "packages.pro.price: 9.999 has more decimals than USD has, which are 2"),
    ({"price": "9.5", "currency": "JPY"}, "packages.pro.price: 9.5 has more decimals than JPY"),
    ({"price": "ten"}, "packages.pro.price: a number"),
    ({"price": None}, "packages.pro.price: a number"),
    ({"price": True}, "packages.pro.price: a number"),
    ({"currency": "dollars"}, "packages.pro.currency: three letters"),
    ({"currency": None}, "packages.pro.currency: three letters"),
    ({"popular": "yes"}, "packages.pro.popular: true or false"),
    ({"recurring": 1}, "packages.pro.recurring: true or false"),
    ({"name": 5}, "packages.pro.name: a text"),
    ({"rollover": "some"}, "packages.pro.rollover"),
    ({"rollover": True}, "packages.pro.rollover"),
    ({"rollover": -1}, "packages.pro.rollover"),
    ({"provider_ids": "price_1"}, "packages.pro.provider_ids: a table"),
    ({"provider_ids": {"stripe": ""}}, "packages.pro.provider_ids.stripe"),
    ({"provider_ids": {"stripe": 5}}, "packages.pro.provider_ids.stripe"),
    ({"prise": "9.99"}, "packages.pro.prise: no field of a package"),
    ({"id": "other"}, "packages.pro.id: no field of a package"),
]


@pytest.mark.parametrize(("fields", "message"), WRONG, ids=lambda value: str(value)[:50])
def test_what_is_wrong_is_named(fields, message):
    with pytest.raises(PricingConfigError) as refused:
        Packages.from_dict({"pro": {**GOOD, **fields}})
    assert str(refused.value).startswith(message)


@pytest.mark.parametrize(
    ("packages", "message"),
    [
        ({}, "packages: there are none"),
        ([], "packages: a table of packages, not list"),
        ({"pro": 5}, "packages.pro: a table"),
        ({"pro": {"credits": 5}}, "packages.pro.price: it is missing"),
        ({"pro": {"price": 5}}, "packages.pro.credits: it is missing"),
        ({"a b": GOOD}, "packages: an id is"),
        ({"": GOOD}, "packages: an id is"),
        ({"x" * 65: GOOD}, "packages: an id is"),
        ({5: GOOD}, "packages: an id is"),
    ],
)
def test_what_is_no_table_of_packages(packages, message):
    with pytest.raises(PricingConfigError) as refused:
        Packages.from_dict(packages)
    assert str(refused.value).startswith(message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("pro = ", "packages: this text is no TOML"),
        (None, "packages: this text is no TOML"),
        ("[pro]\ncredits = 1", "pro: nothing but packages"),
        ("packages = 5", "packages: a table of packages, not int"),
        ("[packages.pro]\ncredits = 1\nprice = 1e999999", "packages.pro.price: above 0"),
    ],
)
def test_what_is_no_file_of_packages(text, message):
    with pytest.raises(PricingConfigError) as refused:
        Packages.from_toml(text)
    assert str(refused.value).startswith(message)


def test_two_alike():
    with pytest.raises(PricingConfigError, match="two have the id 'a'"):
        Packages([Package("a", 1, 1), Package("a", 2, 2)])
    sold = {"stripe": "price_1"}
    with pytest.raises(PricingConfigError, match="'a' has 'price_1', too"):
        Packages([Package("a", 1, 1, provider_ids=sold), Package("b", 2, 2, provider_ids=sold)])


@pytest.mark.parametrize(
    ("price", "currency", "minor"),
    [
        (9.99, "usd", 999),
        (Decimal("9.990"), "USD", 999),
        ("0.01", "EUR", 1),
        (10, "USD", 1000),
        (500, "jpy", 500),
        ("1.234", "KWD", 1234),
        (0.1, "USD", 10),
        (1.1, "USD", 110),
    ],
)
def test_prices_are_exact(price, currency, minor):
    assert Package("a", 1, price, currency).minor_price == minor


def test_the_seeds_three_are_listed_for_anybody():
    route = PACKAGES.route
    assert (route.method, route.path) == ("GET", "/api/credits/packages")
    assert route.who is Who.ANYBODY
    with Credits.from_url("memory://") as credits:
        answer = run(credits, route.handler(Asked()))
    listed = json.loads(json.dumps(answer.body))["packages"]
    assert [(one["id"], one["credits"], one["price"], one["popular"]) for one in listed] == [
        ("starter", 100, 9.99, False),
        ("pro", 500, 39.99, True),
        ("enterprise", 2000, 149.99, False),
    ]
    assert Packages([Package("a", 1, 1)], path="/buy").route.path == "/buy"


def test_ids_of_providers_are_not_listed():
    package = Package("a", 1, 1, provider_ids={"stripe": "price_1"})
    assert "price_1" not in str(package.shown())


def test_changing_what_was_handed_in_changes_nothing():
    ids = {"stripe": "price_1"}
    packages = Packages([Package("a", 1, 1, provider_ids=ids)])
    ids["stripe"] = "price_2"
    assert packages.sold_as("stripe", "price_2") is None
    with pytest.raises(TypeError):
        packages["a"].provider_ids["stripe"] = "price_2"


SOLD = Packages([Package("a", 10, "5", provider_ids={"x": "a-1"}), Package("b", 20, "8")])


def bought(**more):
    told = {"user_id": "alice", "package_id": "a", "amount": 500, "currency": "USD"}
    return Purchase("x", "p-1", **{**told, **more})


def test_what_is_granted_is_what_the_table_says():
    paid = check(bought(), SOLD)
    assert (paid.user_id, paid.package_id, paid.credits) == ("alice", "a", 10)
    assert check(bought(amount=1000, quantity=2), SOLD).credits == 20
    assert check(bought(amount=400, discount=100), SOLD).credits == 10
    assert check(bought(package_id=None, product_ids=("a-1", "z")), SOLD).package_id == "a"
    assert check(bought(product_ids=("a-1",), amount=None), SOLD).credits == 10
    assert check(bought(product_ids=("a-1",), discount=None, amount=1), SOLD).credits == 10
    assert check(bought(product_ids=("a-1",), currency="EUR", amount=1), SOLD).credits == 10
    assert check(bought(package_id=None), SOLD) is None
    assert check(bought(package_id=None, product_ids=("z",)), SOLD) is None


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"amount": 499}, "its price is 500"),
        ({"amount": 500, "quantity": 2}, "its price is 1000"),
        ({"amount": 400, "discount": 99}, "its price is 500"),
        ({"currency": "EUR"}, "in EUR"),
        ({"amount": None}, "does not tell what was paid"),
        ({"discount": None}, "does not tell what was paid"),
        ({"user_id": None}, "names no user"),
        ({"user_id": ""}, "names no user"),
        ({"product_ids": ("z",)}, "which are not that"),
        ({"product_ids": ("a-1",), "amount": 499}, "its price is 500"),
        ({"package_id": "b", "product_ids": ("a-1",), "amount": 800}, "which are not that"),
        ({"package_id": "z"}, "not in the table"),
    ],
)
def test_what_is_not_granted(told, message):
    with pytest.raises(NotGranted, match=message) as refused:
        check(bought(**told), SOLD)
    # What the table can still be told, the provider is to announce again.
    assert refused.value.again is ("its price" in message or "not in the table" in message)


def test_who_began_at_a_former_price_gets_what_was_sold():
    raised = Packages.from_dict({"a": {"credits": 10, "price": 9, "former_prices": [5, "6.50"]}})
    assert raised["a"].price == 9
    assert check(bought(amount=500), raised).credits == 10
    assert check(bought(amount=1000, quantity=2), raised).credits == 20
    with pytest.raises(NotGranted, match="its price is 500"):
        check(bought(amount=499), raised)


def test_a_price_that_was_lowered_is_the_price():
    lowered = Packages.from_dict({"a": {"credits": 10, "price": 5, "former_prices": [9]}})
    assert check(bought(amount=500), lowered).credits == 10
