"""Commands that give back and take back: refund, revoke."""

from __future__ import annotations

from typing import Any

import click

from credits_core.cli import values
from credits_core.cli.accounts import key_option
from credits_core.cli.failures import written
from credits_core.cli.output import clean, credits_of, json_option, print_receipt
from credits_core.cli.store import Store, pass_store, store_options

_reason = click.option("--reason", metavar="TEXT", help="Kept in the log.")


@click.command(short_help="Give a charge back, all of it or a part.")
@click.argument("user")
@click.argument("tx")
@click.argument("amount", required=False, callback=values.amount)
@_reason
@key_option
@json_option
@store_options(hidden=True)
@pass_store
def refund(
    store: Store, /, user: str, tx: str, amount: int | None, as_json: bool, **options: Any
) -> None:
    """Give the charge TX back to USER: AMOUNT credits of it, or all that is left.

    All of it is given back once, however often you ask; give a part a key.
    """
    with store.client() as credits_:
        receipt = written(
            credits_, user, "refund", lambda: credits_.refund(user, tx, amount, **options)
        )
    done = f"Gave {credits_of(receipt.amount)} back to {clean(user)}"
    sentence = f"{done}: {credits_of(receipt.balance)} now."
    print_receipt(receipt, {"user_id": user}, sentence, as_json)


@click.command(short_help="Take an addition back, after a dispute.")
@click.argument("user")
@click.argument("tx", required=False)
@click.argument("amount", required=False, callback=values.amount)
@click.option("--added-with", metavar="KEY", help="The idempotency key of the addition, for TX.")
@_reason
@key_option
@json_option
@store_options(hidden=True)
@pass_store
def revoke(
    store: Store, /, user: str, tx: str | None, amount: int | None, as_json: bool, **options: Any
) -> None:
    """Take what is left of the addition TX from USER, or up to AMOUNT credits of it.

    It is named by TX, or by the key that it was added with. If it has not come yet, it is
    taken back when it comes. What is spent is gone; what is on hold is taken when it comes back.
    """
    if options["added_with"] is not None and tx is not None and amount is None:
        # With the key in the place of TX, what follows USER is the amount.
        amount = values.amount(click.get_current_context(), None, tx)
        tx = None
    with store.client() as credits_:
        receipt = written(
            credits_, user, "revoke", lambda: credits_.revoke(user, tx, amount, **options)
        )
    done = f"Took {credits_of(receipt.amount)} back from {clean(user)}"
    if receipt.amount == 0:
        done = f"There is nothing to take back from {clean(user)} now"
    sentence = f"{done}: {credits_of(receipt.balance)} left."
    if receipt.claimed:
        sentence += f" {credits_of(receipt.claimed)} on hold will be taken if they come back."
    about: dict[str, str | int] = {"user_id": user, "claimed": receipt.claimed}
    print_receipt(receipt, about, sentence, as_json)
