"""Commands that read at length: history, users, export."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from credits_core.cli import values
from credits_core.cli.output import clean, emit_json, json_option
from credits_core.cli.store import Store, pass_store, store_options

if TYPE_CHECKING:
    from collections.abc import Iterable

    from credits_core.models import Transaction


@click.command(short_help="The transactions of a user, newest first.")
@click.argument("user")
@click.option("--limit", callback=values.limit, help="How many, up to 1000; default 50.")
@click.option("--since", callback=values.since, help="From this date, time (UTC) or ms on.")
@click.option("--until", callback=values.until, help="Up to this date, time (UTC) or ms.")
@click.option("--all", "everything", is_flag=True, help="All of them, however many.")
@json_option
@store_options(hidden=True)
@pass_store
def history(
    store: Store,
    user: str,
    limit: int | None,
    since: int | None,
    until: int | None,
    everything: bool,
    as_json: bool,
) -> None:
    """Print the transactions of USER, newest first; as JSON one to a line.

    A date without a time means the whole day, in UTC.
    """
    if everything and limit is not None:
        raise click.UsageError("--all and --limit exclude each other", click.get_current_context())
    with store.client() as credits_:
        entries: Iterable[Transaction]
        if everything:
            entries = credits_.iter_transactions(user, start_time=since, end_time=until)
        else:
            entries = credits_.get_transactions(
                user, limit=limit or 50, start_time=since, end_time=until
            )
        for entry in entries:
            if as_json:
                emit_json(asdict(entry))
            else:
                click.echo(_row(entry))


def _row(entry: Transaction) -> str:
    when = entry.time.isoformat(sep=" ", timespec="milliseconds").replace("+00:00", "Z")
    about = "" if entry.metadata is None else json.dumps(entry.metadata, ensure_ascii=False)
    row = f"{when}  {entry.amount:>+12}  {clean(entry.action):<20}  {clean(entry.id)}"
    return f"{row}  {clean(about)}".rstrip()


@click.command(short_help="The ids of all users with an account.")
@json_option
@store_options(hidden=True)
@pass_store
def users(store: Store, as_json: bool) -> None:
    """Print the id of every user that has an account, one to a line, in no order.

    It walks the keys of the whole store.
    """
    with store.client() as credits_:
        for user in credits_.users():
            if as_json:
                emit_json({"user_id": user})
            else:
                click.echo(clean(user))


@click.command(short_help="All that is stored of a user, as JSON.")
@click.argument("user")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, writable=True),
    help="Write to this file, which only its owner may read; default is stdout.",
)
@json_option
@store_options(hidden=True)
@pass_store
def export(store: Store, user: str, output: str | None, as_json: bool) -> None:
    """Print all that is stored of USER as one JSON document, oldest transaction first."""
    with store.client() as credits_:
        account = credits_.export_account(user)
    if not account.transactions and account.balance == 0:
        raise click.ClickException(f"nothing is stored of {user!r}")
    if output is None or output == "-":
        emit_json(account.to_dict())
        return
    _write(Path(output), account.to_dict())
    count = len(account.transactions)
    if as_json:
        emit_json({"user_id": user, "output": output, "transactions": count})
    else:
        click.echo(f"Wrote {count} transactions of {clean(user)} to {clean(output)}.")


def _write(target: Path, document: dict[str, Any]) -> None:
    # Beside the target and then in its place, so that no half file is ever taken for whole.
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            json.dump(document, file)
            file.write("\n")
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
