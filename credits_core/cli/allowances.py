"""The command for subscriptions: allowance."""

from __future__ import annotations

from typing import Any

import click

from credits_core.cli import values
from credits_core.cli.accounts import metadata_option
from credits_core.cli.failures import written
from credits_core.cli.output import clean, credits_of, json_option, print_receipt
from credits_core.cli.store import Store, pass_store, store_options
from credits_core.periods import Period

_AGAIN = "Granted before for this period, nothing changed"


@click.command(short_help="Grant the credits of a plan for a period.")
@click.argument("user")
@click.argument("name")
@click.argument("amount", callback=values.amount)
@click.option(
    "--start",
    metavar="DATE",
    required=True,
    callback=values.since,
    help="The first instant of the period: a date, time (UTC) or ms.",
)
@click.option(
    "--end",
    metavar="DATE",
    required=True,
    callback=values.since,
    help="The instant at which it is over, that of the next start.",
)
@click.option(
    "--rollover",
    metavar="[none|all|N]",
    default="none",
    callback=values.rollover,
    help="How many credits that are left stay; default none.",
)
@click.option(
    "--priority",
    metavar="N",
    default="0",
    callback=values.priority,
    help="Lower is spent first, -1000 to 1000; default 0.",
)
@metadata_option
@json_option
@store_options(hidden=True)
@pass_store
def allowance(
    store: Store,
    /,
    user: str,
    name: str,
    amount: int,
    start: int,
    end: int,
    as_json: bool,
    **options: Any,
) -> None:
    """Grant USER the AMOUNT credits of the plan NAME for a period, once."""
    period = Period(start, end)
    with store.client() as credits_:
        receipt = written(
            credits_,
            user,
            "allowance",
            lambda: credits_.grant_allowance(user, name, amount, period, **options),
        )
    done = f"Granted {credits_of(receipt.amount)} of {clean(name)} to {clean(user)}"
    if not receipt.created:
        done = "A later period was granted before, nothing changed"
    sentence = f"{done}: {credits_of(receipt.balance)} now."
    print_receipt(receipt, {"user_id": user}, sentence, as_json, again=_AGAIN)
