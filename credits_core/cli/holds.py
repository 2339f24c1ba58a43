"""Commands on holds: hold, extend, settle, release."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from credits_core.cli import values
from credits_core.cli.accounts import WITH_KEY, key_option, metadata_option
from credits_core.cli.failures import written
from credits_core.cli.output import (
    clean,
    credits_of,
    emit_json,
    json_option,
    print_receipt,
    shown,
)
from credits_core.cli.store import Store, pass_store, store_options
from credits_core.models import Hold

if TYPE_CHECKING:
    from credits_core.client import Credits


@click.command(short_help="Set credits aside for work to be done.")
@click.argument("user")
@click.argument("amount", callback=values.amount)
@click.argument("action")
@click.option(
    "--expires-in",
    metavar="DURATION",
    default="15m",
    callback=values.duration,
    help="When they come back by themselves, such as 90s, 12h, 2d; default 15m.",
)
@metadata_option
@key_option
@json_option
@store_options(hidden=True)
@pass_store
def hold(
    store: Store,
    /,
    user: str,
    amount: int,
    action: str,
    metadata: Any,
    as_json: bool,
    **options: Any,
) -> None:
    """Set AMOUNT credits of USER aside; ACTION says what for.

    Then `credits settle` keeps what the work cost, `credits release` gives all back.
    """
    with store.client() as credits_:
        outcome = written(
            credits_, user, "hold", lambda: credits_.hold(user, amount, action, metadata, **options)
        )
        held = outcome if isinstance(outcome, Hold) else _look(credits_, user, outcome.tx_id)
    _print(held, f"Set {credits_of(held.amount)} of {clean(user)} aside", as_json)


@click.command(short_help="Give an open hold more credits or time.")
@click.argument("user")
@click.argument("hold")
@click.argument("amount", default="0", callback=values.amount_or_zero)
@click.option(
    "--expires-in", metavar="DURATION", callback=values.duration, help="From now on, such as 2d."
)
@key_option
@json_option
@store_options(hidden=True)
@pass_store
def extend(
    store: Store, /, user: str, hold: str, amount: int, as_json: bool, **options: Any
) -> None:
    """Add AMOUNT credits to HOLD of USER, or give it more time, or both."""
    with store.client() as credits_:
        outcome = written(
            credits_, user, "extend", lambda: credits_.extend(user, hold, amount, **options)
        )
        held = outcome if isinstance(outcome, Hold) else _look(credits_, user, hold)
    _print(held, f"The hold of {clean(user)} is {credits_of(held.amount)}", as_json)


def _look(credits_: Credits, user: str, hold_id: str) -> Hold:
    """A hold as it stands now, after its answer was lost."""
    account = credits_.get_account(user)
    for found in account.holds:
        if found.id == hold_id:
            return Hold(hold_id, user, found.amount, found.expires_at, account.balance)
    raise click.ClickException(f"the hold {hold_id!r} of {user!r} has ended since")


def _print(held: Hold, done: str, as_json: bool) -> None:
    if as_json:
        emit_json(asdict(held))
        return
    told = f"{WITH_KEY}" if held.replayed else f"{done}, until {shown(held.expires)}"
    click.echo(f"{told}: {credits_of(held.balance)} left. ({clean(held.id)})")


@click.command(short_help="End a hold: keep what the work cost.")
@click.argument("user")
@click.argument("hold")
@click.argument("amount", callback=values.amount_or_zero)
@click.option(
    "--shortfall",
    type=click.Choice(["refuse", "take", "owe"]),
    default="refuse",
    help="When AMOUNT is more than hold and balance: refuse, take what there is, or let USER "
    "owe it; default refuse.",
)
@click.option(
    "--if-expired",
    type=click.Choice(["refuse", "charge"]),
    default="refuse",
    help="When the hold gave all back by itself: refuse, or charge afresh; default refuse.",
)
@json_option
@store_options(hidden=True)
@pass_store
def settle(
    store: Store, /, user: str, hold: str, amount: int, as_json: bool, **options: Any
) -> None:
    """Keep AMOUNT credits of HOLD of USER, 0 or more, and give the rest back."""
    with store.client() as credits_:
        receipt = written(
            credits_, user, "settle", lambda: credits_.settle(user, hold, amount, **options)
        )
    done = f"The hold of {clean(user)} cost {credits_of(receipt.amount)}"
    sentence = f"{done}: {credits_of(receipt.balance)} now."
    print_receipt(receipt, {"user_id": user, "hold_id": hold}, sentence, as_json)


@click.command(short_help="End a hold: give all of it back.")
@click.argument("user")
@click.argument("hold")
@json_option
@store_options(hidden=True)
@pass_store
def release(store: Store, user: str, hold: str, as_json: bool) -> None:
    """Give all of HOLD back to USER."""
    with store.client() as credits_:
        receipt = written(credits_, user, "release", lambda: credits_.release(user, hold))
    sentence = f"The hold of {clean(user)} is released: {credits_of(receipt.balance)} now."
    print_receipt(receipt, {"user_id": user, "hold_id": hold}, sentence, as_json)
