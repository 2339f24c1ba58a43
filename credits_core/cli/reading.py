"""Commands that read at length: history, users."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from credits_core.cli import values
from credits_core.cli.output import clean, emit_json, json_option, shown
from credits_core.cli.store import Store, pass_store, store_options
from credits_core.models import instant

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

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
    about = "" if entry.metadata is None else json.dumps(entry.metadata, ensure_ascii=False)
    row = f"{shown(entry.time)}  {entry.amount:>+12}  {clean(entry.action):<20}  {entry.kind:<10}"
    words = [row, clean(entry.id), *_related(entry), clean(about)]
    return "  ".join(words).rstrip()


def _related(entry: Transaction) -> Iterator[str]:
    for name, tx_id in (
        ("hold", entry.hold_id),
        ("grant", entry.grant_id),
        ("of", entry.refers_to),
    ):
        if tx_id not in (None, entry.id):
            yield f"{name} {clean(str(tx_id))}"
    if entry.allowance is not None:
        yield f"plan {clean(entry.allowance)}"
    if entry.other_user is not None:
        yield f"{'to' if entry.amount < 0 else 'from'} {clean(entry.other_user)}"
    if entry.expires_at is not None:
        yield f"until {shown(instant(entry.expires_at))}"


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
