"""What is stored of users, to take away: one as JSON, any number as CSV."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

import click

from credits_core.cli import sheet, values
from credits_core.cli.output import clean, emit_json, json_option
from credits_core.cli.store import Store, pass_store, store_options
from credits_core.cursors import UserCursor, walk
from credits_core.executor import Executor
from credits_core.keys import KeySpace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from credits_core.models import AccountExport


@click.command(short_help="All that is stored of a user, as JSON; logs as CSV.")
@click.argument("user", required=False)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, writable=True),
    help="Write to this file, which only its owner may read; default is stdout.",
)
@click.option("--csv", "as_csv", is_flag=True, help="The log as CSV, with a running balance.")
@click.option("--all", "everybody", is_flag=True, help="All users, with --csv.")
@click.option("--since", callback=values.since, help="With --csv: from this date or time (UTC) on.")
@click.option("--until", callback=values.until, help="With --csv: up to this date or time (UTC).")
@json_option
@store_options(hidden=True)
@pass_store
def export(
    store: Store,
    user: str | None,
    output: str | None,
    as_csv: bool,
    everybody: bool,
    since: int | None,
    until: int | None,
    as_json: bool,
) -> None:
    """Print all that is stored of USER as one JSON document, oldest transaction first.

    With --csv print the log, or with --all that of every user, for those who keep the books.
    """
    if output == "-":
        output = None
    _check(user, everybody=everybody, as_csv=as_csv, span=(since, until))
    if as_csv:
        if as_json and output is None:
            raise click.UsageError("--json and --csv both to stdout", click.get_current_context())
        _export_csv(store, user, since, until, output, as_json=as_json)
    elif user is not None:
        _export_json(store, user, output, as_json=as_json)


def _check(
    user: str | None, *, everybody: bool, as_csv: bool, span: tuple[int | None, int | None]
) -> None:
    context = click.get_current_context()
    if not as_csv and (everybody or span != (None, None)):
        raise click.UsageError("--all, --since and --until go with --csv", context)
    if (user is None) != everybody:
        raise click.UsageError("name a user" + (", or say --all" if as_csv else ""), context)


def _export_json(store: Store, user: str, output: str | None, *, as_json: bool) -> None:
    with store.client() as credits_:
        account = credits_.export_account(user)
    _check_stored(account)
    if output is None:
        emit_json(account.to_dict())
        return
    with _private(Path(output)) as file:
        file.write(json.dumps(account.to_dict()).encode("ascii") + b"\n")
    count = len(account.transactions)
    if as_json:
        emit_json({"user_id": user, "output": output, "transactions": count})
    else:
        click.echo(f"Wrote {count} transactions of {clean(user)} to {clean(output)}.")


def _check_stored(export: AccountExport) -> None:
    found = export.account
    ruled = found is not None and (found.frozen or found.floor != 0)
    if export.balance == 0 and not export.transactions and not ruled:
        raise click.ClickException(f"nothing is stored of {export.user_id!r}")


def _check_known(store: Store, user: str) -> None:
    """The same of a user whose sheet has no rows; the log may be long, and none of it asked for."""
    with store.client() as credits_:
        if not credits_.get_transactions(user, limit=1):
            _check_stored(credits_.export_account(user))


def _export_csv(
    store: Store,
    user: str | None,
    since: int | None,
    until: int | None,
    output: str | None,
    *,
    as_json: bool,
) -> None:
    count = -1  # the header is no transaction
    with _ledger(store) as (executor, keys):
        users = walk(executor, UserCursor(keys)) if user is None else [user]
        rows = chain.from_iterable(sheet.rows(executor, keys, one, since, until) for one in users)
        first = list(islice(rows, 1))
        if user is not None and not first:
            _check_known(store, user)
        lines = sheet.lines(chain([sheet.HEADER], first, rows))
        if output is None:
            stdout = sys.stdout.buffer
            for line in lines:
                stdout.write(line)
            return
        with _private(Path(output)) as file:
            for line in lines:
                file.write(line)
                count += 1
    if as_json:
        emit_json({"user_id": user, "output": output, "transactions": count})
    else:
        click.echo(f"Wrote {count} transactions to {clean(output)}.")


@contextmanager
def _ledger(store: Store) -> Iterator[tuple[Executor, KeySpace]]:
    """The store below the client: logs are read there from the oldest entry on."""
    backend = store.backend()
    try:
        keys = KeySpace(store.prefix, backend.braces)
        yield Executor(backend, timeout=store.timeout, braces=backend.braces), keys
    finally:
        backend.close()


@contextmanager
def _private(target: Path) -> Iterator[BinaryIO]:
    # Beside the target and then in its place, so that no half file is ever taken for whole.
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
