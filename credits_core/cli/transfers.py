"""Commands from one account to another: transfer, merge."""

from __future__ import annotations

import click

from credits_core.cli import values
from credits_core.cli.accounts import WITH_KEY
from credits_core.cli.failures import repeatable
from credits_core.cli.output import clean, credits_of, json_option, print_receipt
from credits_core.cli.store import Store, pass_store, store_options


@click.command(short_help="Move credits to another account.")
@click.argument("from_user", metavar="FROM")
@click.argument("to_user", metavar="TO")
@click.argument("amount", callback=values.amount)
@click.option(
    "--idempotency-key",
    metavar="KEY",
    required=True,
    help="Of this one transfer: run again with it, it is completed, and done once.",
)
@json_option
@store_options(hidden=True)
@pass_store
def transfer(
    store: Store, from_user: str, to_user: str, amount: int, idempotency_key: str, as_json: bool
) -> None:
    """Move AMOUNT credits FROM one account TO another."""
    with (
        store.client() as credits_,
        repeatable(
            f"{credits_of(amount)} came from {from_user!r} to {to_user!r}",
            "run it again with the same key, which completes it",
        ),
    ):
        receipt = credits_.transfer(from_user, to_user, amount, idempotency_key=idempotency_key)
    done = f"Moved {credits_of(amount)} from {clean(from_user)} to {clean(to_user)}"
    sentence = f"{done}: {credits_of(receipt.balance)} left."
    about = {"from_user": from_user, "to_user": to_user}
    print_receipt(receipt, about, sentence, as_json, again=WITH_KEY)


@click.command(short_help="Move all credits of an account into another.")
@click.argument("from_user", metavar="FROM")
@click.argument("into_user", metavar="INTO")
@json_option
@store_options(hidden=True)
@pass_store
def merge(store: Store, from_user: str, into_user: str, as_json: bool) -> None:
    """Move all credits FROM one account INTO another, such as from a trial.

    Open holds stay where they are; what comes back from them moves with the next merge.
    """
    with (
        store.client() as credits_,
        repeatable(
            f"the credits of {from_user!r} came into {into_user!r}",
            "run it again, which completes it",
        ),
    ):
        receipt = credits_.merge_accounts(from_user, into_user)
    done = f"Moved {credits_of(receipt.amount)} from {clean(from_user)} into {clean(into_user)}"
    if not receipt.created:
        done = f"{clean(from_user)} has nothing to move into {clean(into_user)}"
    sentence = f"{done}: {credits_of(receipt.balance)} there now."
    print_receipt(receipt, {"from_user": from_user, "into_user": into_user}, sentence, as_json)
