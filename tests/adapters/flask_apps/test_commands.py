"""`flask credits …`: the commands on the store of the app."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from flask import Flask

from credits_flask import FlaskCredits

if TYPE_CHECKING:
    from click.testing import Result

    from credits_core import Credits
    from tests.support.servers import Server


def run(app: Flask, *words: str) -> Result:
    return app.test_cli_runner().invoke(args=["credits", *words])


@pytest.mark.usefixtures("paywall")
def test_commands_work_on_the_store_of_the_app(app: Flask, credits: Credits, payer: str) -> None:
    assert run(app, "add", payer, "5", "gift").exit_code == 0
    assert run(app, "balance", payer).output == f"{payer} has 105 credits.\n"
    newest = json.loads(run(app, "history", payer, "--json").output.splitlines()[0])
    assert newest["amount"] == 5
    assert credits.get_balance(payer) == 105


@pytest.mark.usefixtures("paywall")
def test_commands_end_as_those_of_the_program_do(app: Flask, payer: str) -> None:
    refused = run(app, "deduct", payer, "1000", "dear")
    assert (refused.exit_code, "900 more" in refused.output) == (1, True)
    assert run(app, "deduct", payer, "-1").exit_code == 2
    assert run(app, "nothing").exit_code == 2
    assert "flask credits" in run(app, "balance", "--help").output
    assert "reconcile" in run(app, "--help").output
    listed = app.test_cli_runner().invoke(args=["--help"]).output
    assert "credits  Look at accounts" in listed


def test_prefix_and_starting_credits_are_those_of_the_app(
    app: Flask, credits: Credits, user: str
) -> None:
    app.config.update(CREDITS_PREFIX="flask:", CREDITS_DEFAULT_CREDITS=7)
    FlaskCredits(app)
    assert run(app, "init", user).exit_code == 0
    assert run(app, "balance", user).output == f"{user} has 7 credits.\n"
    assert credits.get_transactions(user) == []


def test_an_app_with_a_client_of_its_own_asks_for_the_url(
    credits: Credits, server: Server, payer: str
) -> None:
    app = Flask("shop")
    FlaskCredits(app, client=credits)
    asked = run(app, "balance", payer)
    assert (asked.exit_code, "say --url" in asked.output) == (2, True)
    assert "100 credits" in run(app, "balance", payer, "--url", server.url).output


def test_a_store_that_is_away_is_told_without_its_password() -> None:
    app = Flask("shop")
    app.config["CREDITS_URL"] = "redis://:hush-hush@127.0.0.1:1/0"
    FlaskCredits(app)
    away = run(app, "balance", "alice", "--timeout", "0.2")
    assert away.exit_code == 3
    assert "hush-hush" not in away.output
