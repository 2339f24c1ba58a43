"""Commands on one account: balance, add, deduct, delete."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from credits_core.cli import values
from credits_core.cli.failures import Stopped, certain
from credits_core.cli.output import clean, credits_of, emit_json, json_option
from credits_core.cli.store import Store, pass_store, store_options
from credits_core.errors import OutcomeUnknownError

if TYPE_CHECKING:
    from collections.abc import Callable

    from credits_core.models import Receipt


@click.command(short_help="The credits that a user can spend.")
@click.argument("user")
@json_option
@store_options(hidden=True)
@pass_store
def balance(store: Store, user: str, as_json: bool) -> None:
    """Print the credits that USER can spend; 0 for an unknown user."""
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
        click.option(
            "--idempotency-key",
            metavar="KEY",
            help="The same key again does nothing and prints the first receipt.",
        ),
        click.option(
            "--metadata", metavar="JSON", callback=values.metadata, help="A JSON object to keep."
        ),
        click.argument("action"),
        click.argument("amount", callback=values.amount),
        click.argument("user"),
    ):
        function = decorate(function)
    return function


@click.command(short_help="Put credits into an account.")
@_write_options
@pass_store
def add(store: Store, /, as_json: bool, **request: Any) -> None:
    """Add AMOUNT credits to USER; ACTION says what for, such as purchase."""
    receipt = _write(store, "add", request)
    _print(receipt, request, "Added {amount} to {user} for {action}: {balance} now.", as_json)


@click.command(short_help="Take credits out of an account.")
@_write_options
@pass_store
def deduct(store: Store, /, as_json: bool, **request: Any) -> None:
    """Take AMOUNT credits from USER, if there are so many; ACTION says what for."""
    receipt = _write(store, "deduct", request)
    _print(receipt, request, "Took {amount} from {user} for {action}: {balance} left.", as_json)


def _write(store: Store, name: str, request: dict[str, Any]) -> Receipt:
    user = request["user"]
    with store.client() as credits_:
        operation = getattr(credits_, name)
        try:
            return certain(
                credits_,
                lambda: operation(
                    user,
                    request["amount"],
                    request["action"],
                    request["metadata"],
                    idempotency_key=request["idempotency_key"],
                ),
            )
        except KeyboardInterrupt:
            raise Stopped(
                f"stopped before an answer came: `credits history` of {user!r} tells whether "
                f"this {name} was done"
            ) from None


def _print(receipt: Receipt, request: dict[str, Any], sentence: str, as_json: bool) -> None:
    if as_json:
        emit_json({"user_id": request["user"], **asdict(receipt)})
        return
    if receipt.replayed:
        sentence = "Done before with this key, nothing changed: {balance} now."
    told = sentence.format(
        amount=credits_of(receipt.amount),
        user=clean(request["user"]),
        action=clean(request["action"]),
        balance=credits_of(receipt.balance),
    )
    click.echo(f"{told} ({receipt.tx_id})")


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
    with store.client() as credits_:
        try:
            deleted = credits_.delete_account(user)
        except OutcomeUnknownError as error:
            raise OutcomeUnknownError(
                f"whether {user!r} is forgotten is not known, for no answer came: run it again, "
                f"which does no harm",
                error.command,
                error.deadline_ms,
            ) from error
    if as_json:
        emit_json({"user_id": user, "deleted": deleted})
    else:
        click.echo(f"{clean(user)} is forgotten." if deleted else f"{clean(user)} had no account.")
