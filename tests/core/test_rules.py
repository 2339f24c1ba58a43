"""What a paid route costs: mistakes of the app are told from mistakes of the request."""

from __future__ import annotations

import pytest

from credits_core import InvalidRequestError, Priced, PricingConfigError
from credits_core.http.problems import problem
from credits_core.http.rules import Rule, hold_rule, price_rule


def terms(rule: Rule, cost: object):
    return rule.terms_of("alice", cost, None, endpoint="draw", route="POST /", journal=None)  # type: ignore[arg-type]


@pytest.mark.parametrize("make", [price_rule, hold_rule])
@pytest.mark.parametrize("cost", [2.5, None, "10", True, -1, object()])
def test_a_price_that_is_none_is_a_mistake_of_the_app(make, cost):
    rule = make(lambda: cost, None, None)
    with pytest.raises(PricingConfigError, match="'draw'") as caught:
        terms(rule, cost)
    assert problem(caught.value).status == 500


@pytest.mark.parametrize("cost", [Priced("video_generation", -1), 10**16])
def test_how_much_it_is_came_with_the_request(cost):
    with pytest.raises(InvalidRequestError) as caught:
        terms(price_rule(lambda: cost, None, None), cost)
    assert problem(caught.value).status == 400


def test_a_right_price_is_charged():
    assert terms(price_rule(lambda: 3, None, None), 3).cost == 3
    assert terms(price_rule(lambda: 3, None, None), 0).cost == 0
