"""Commands on one account: balance, add, deduct, delete."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from credits_core.cli import values
from credits_core.cli.failures import repeatable, written
from credits_core.cli.output import clean, credits_of, emit_json, json_option, print_receipt
from credits_core.cli.store import Store, pass_store, store_options

if TYPE_CHECKING:
    from collections.abc import Callable

WITH_KEY = "Done before with this key, nothing changed"

metadata_option = click.option(
    "--metadata", metavar="JSON", callback=values.metadata, help="A JSON object to keep."
)
key_option = click.option(
    "--idempotency-key",
    metavar="KEY",
    help="The same key again does nothing and prints the first receipt.",
)


@click.command(short_help="The credits that a user has.")
@click.argument("user")
@json_option
@store_options(hidden=True)
@pass_store
def balance(store: Store, user: str, as_json: bool) -> None:
    """Print the balance of USER; 0 for an unknown user."""
    with store.client() as credits_:
        found = credits_.get_balance(user)
    if as_json:
        emit_json({"user_id": user, "balance": found})
    else:
        click.echo(f"{clean(user)} has {credits_of(found)}.")


def _write_options(function: Callable[..., None]) -> Callable[..., None]:
    for decorate in (
        store_options(hidden=True),
        json_option,
        key_option,
        metadata_option,
        click.argument("action"),
        click.argument("amount", callback=values.amount),
        click.argument("user"),
    ):
        function = decorate(function)
    return function


@click.command(short_help="Put credits into an account.")
@click.option(
    "--expires-in", metavar="DURATION", callback=values.duration, help="Such as 12h, 30d, 2w."
)
@click.option(
    "--expires-at", metavar="DATE", callback=values.since, help="A date, time (UTC) or ms."
)
@click.option(
    "--priority",
    metavar="N",
    default="0",
    callback=values.priority,
    help="Of credits that expire: lower is spent first, -1000 to 1000; default 0.",
)
@_write_options
@pass_store
def add(
    store: Store,
    /,
    user: str,
    amount: int,
    action: str,
    metadata: Any,
    as_json: bool,
    **options: Any,
) -> None:
    """Add AMOUNT credits to USER; ACTION says what for, such as purchase."""
    with store.client() as credits_:
        receipt = written(
            credits_, user, "add", lambda: credits_.add(user, amount, action, metadata, **options)
        )
    done = f"Added {credits_of(receipt.amount)} to {clean(user)} for {clean(action)}"
    sentence = f"{done}: {credits_of(receipt.balance)} now."
    print_receipt(receipt, {"user_id": user}, sentence, as_json, again=WITH_KEY)


@click.command(short_help="Take credits out of an account.")
@_write_options
@pass_store
def deduct(
    store: Store,
    /,
    user: str,
    amount: int,
    action: str,
    metadata: Any,
    as_json: bool,
    **options: Any,
) -> None:
    """Take AMOUNT credits from USER, if there are so many; ACTION says what for."""
    with store.client() as credits_:
        receipt = written(
            credits_,
            user,
            "deduct",
            lambda: credits_.deduct(user, amount, action, metadata, **options),
        )
    done = f"Took {credits_of(receipt.amount)} from {clean(user)} for {clean(action)}"
    sentence = f"{done}: {credits_of(receipt.balance)} left."
    print_receipt(receipt, {"user_id": user}, sentence, as_json, again=WITH_KEY)


@click.command(short_help="Forget an account, its log and all.")
@click.argument("user")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@store_options(hidden=True)
@pass_store
def delete(store: Store, user: str, yes: bool, as_json: bool) -> None:
    """Forget USER: balance, log and all. It cannot be undone; `export` first."""
    if not yes:
        if as_json or not sys.stdin.isatty():
            raise click.UsageError("this cannot be undone: add --yes", click.get_current_context())
        click.confirm(f"Forget {clean(user)}, balance, log and all?", abort=True, err=True)
    with store.client() as credits_, repeatable(f"{user!r} is forgotten"):
        deleted = credits_.delete_account(user)
    if as_json:
        emit_json({"user_id": user, "deleted": deleted})
    else:
        click.echo(f"{clean(user)} is forgotten." if deleted else f"{clean(user)} had no account.")
