"""What is answered to who means no good; the table of it in the docs is true."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from credits_core.http.problems import PROBLEM_JSON
from tests.adapters.account_api.asking import ROUTES
from tests.adapters.account_api.attacks import ATTACKS, EXPECTED, TARGETS, Attacked, send, table

if TYPE_CHECKING:
    from credits_core import Credits
    from tests.adapters.account_api.attacks import Target
    from tests.adapters.paths.sites import Site

DOCS = Path(__file__).parents[3] / "docs" / "reference" / "account-api.md"


@pytest.fixture
def who(credits: Credits, payer: str) -> Attacked:
    victim = f"{payer}-victim"
    credits.initialize_user(victim, 77_700_777)
    return Attacked(payer, victim, credits.deduct(victim, 7, "chat").tx_id)


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("target", TARGETS, ids=lambda one: one.name)
def test_an_attack_is_answered_as_the_table_says(
    site: Site, credits: Credits, who: Attacked, target: Target, attack: str
) -> None:
    response = send(site, target, attack, who)
    status = EXPECTED[target.name][attack]
    assert response.status_code == status, response.text
    if status == 405:
        told = set(response.headers["Allow"].split(", ")) - {"HEAD", "OPTIONS"}
        path = target.route.path
        assert told == {route.method for route in ROUTES.values() if route.path == path}
    elif (attack != "no auth" or target.who not in ("user", "admin")) and status >= 400:
        assert response.headers["Content-Type"] == PROBLEM_JSON
    if target.who == "user" and status == 200:
        assert who.attacker in response.text
        assert who.victim not in response.text
        assert "77700770" not in response.text
    if status >= 400:
        assert credits.get_balance(who.victim) == 77_700_770
        assert credits.get_balance("root") == 0


def test_the_table_of_the_docs_is_this_one() -> None:
    assert table() in DOCS.read_text()
