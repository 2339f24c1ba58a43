"""The command that brings balances here from a SQL table."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

import click

from credits_core.cli.databases import database
from credits_core.cli.failures import REFUSED, UNAVAILABLE, Stopped, certain
from credits_core.cli.output import (
    clean,
    credits_of,
    emit_json,
    error_fields,
    json_option,
    progress,
)
from credits_core.cli.store import Store, pass_store, store_options
from credits_core.errors import BackendError, CreditsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from credits_core.client import Credits
    from credits_core.importing import Balance, Row

# A far store answers each row in tens of ms: several travel at once.
WORKERS = 8
GROUP = 200
MAX_PROBLEMS = 100


@dataclass(slots=True)
class Tally:
    """What became of the rows so far; of a dry run, what would."""

    rows: int = 0
    imported: int = 0
    credits: int = 0
    already_there: int = 0
    failed: int = 0
    not_tried: int = 0
    away: bool = False
    problems: list[tuple[Row, CreditsError]] = field(default_factory=list)

    def take(
        self, row: Row, balance: Balance | CreditsError, outcome: bool | CreditsError | None
    ) -> None:
        """Count a row; the outcome says whether it is new here, None that it was not tried."""
        self.rows += 1
        if outcome is None:
            self.not_tried += 1
        elif isinstance(outcome, CreditsError):
            self.fail(row, outcome)
        elif not isinstance(balance, CreditsError):
            self.count(balance.credits, done=outcome)

    def fail(self, row: Row, error: CreditsError) -> None:
        """Count a row that is not imported."""
        self.failed += 1
        self.away = self.away or isinstance(error, BackendError)
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append((row, error))

    def count(self, credits_: int, *, done: bool) -> None:
        """Count a row that is here now."""
        if done:
            self.imported += 1
            self.credits += credits_
        else:
            self.already_there += 1

    def sentence(self, *, dry: bool) -> str:
        """It in words."""
        done = "would be imported" if dry else "imported"
        told = f"{self.rows} rows: {self.imported} {done} with {credits_of(self.credits)}"
        told += f", {self.already_there} already there" if not dry else ""
        told += f", {self.failed} failed"
        return f"{told}, {self.not_tried} not tried" if self.not_tried else told


@click.command("import-sql", short_help="Bring balances here from a SQL table.")
@click.argument("sql_url", metavar="SQL-URL")
@click.option(
    "--table",
    default="credits",
    show_default=True,
    help="The table, with the columns id, user_id and balance.",
)
@click.option("--dry-run", is_flag=True, help="Only read the table and say what would be done.")
@json_option
@store_options(hidden=True)
@pass_store
def import_sql(store: Store, sql_url: str, table: str, dry_run: bool, as_json: bool) -> None:
    """Import each row of a table of balances once, by its id; run again it goes on.

    Users that come with a row count as signed up. Rows that are no balance are named and left
    out; exit code 1 if there are any.
    """
    tally = Tally()
    with database(sql_url):
        from credits_core.importing import rows  # noqa: PLC0415 - loads SQLAlchemy

        try:
            with rows(sql_url, table) as (total, found), progress(total, "Importing") as step:
                if dry_run:
                    _look(found, table, tally)
                else:
                    with store.client() as credits_:
                        _import(credits_, found, table, tally, step)
        except KeyboardInterrupt:
            raise Stopped(
                f"stopped: {tally.sentence(dry=dry_run)}. Run it again for the rest"
            ) from None
    _print(tally, dry_run, as_json)
    if tally.failed:
        click.get_current_context().exit(UNAVAILABLE if tally.away else REFUSED)


def _read(row: Row, table: str) -> Balance | CreditsError:
    from credits_core.importing import balance_of  # noqa: PLC0415

    try:
        return balance_of(row, table)
    except CreditsError as error:
        return error


def _look(found: Iterator[Row], table: str, tally: Tally) -> None:
    for row in found:
        balance = _read(row, table)
        tally.take(row, balance, balance if isinstance(balance, CreditsError) else True)


def _import(
    credits_: Credits,
    found: Iterator[Row],
    table: str,
    tally: Tally,
    step: Callable[[int], None] | None,
) -> None:
    away = threading.Event()

    def one(balance: Balance | CreditsError) -> bool | CreditsError | None:
        if isinstance(balance, CreditsError):
            return balance
        if away.is_set():
            return None
        try:
            return balance.put(credits_, partial(certain, credits_))
        except CreditsError as error:
            if isinstance(error, BackendError):
                away.set()  # it would fail for every other, a timeout at a time
            return error

    with ThreadPoolExecutor(WORKERS) as pool:
        while not away.is_set() and (group := list(islice(found, GROUP))):
            read = [_read(row, table) for row in group]
            for row, balance, outcome in zip(group, read, pool.map(one, read), strict=True):
                tally.take(row, balance, outcome)
            if step:
                step(len(group))


def _print(tally: Tally, dry: bool, as_json: bool) -> None:
    if as_json:
        emit_json(
            {
                "rows": tally.rows,
                "imported": tally.imported,
                "credits": tally.credits,
                "already_there": tally.already_there,
                "failed": tally.failed,
                "not_tried": tally.not_tried,
                "dry_run": dry,
                "problems": [
                    {"row": _name(row.id), "user_id": _name(row.user_id), **error_fields(error)}
                    for row, error in tally.problems
                ],
            }
        )
        return
    click.echo(f"{tally.sentence(dry=dry)}.")
    for row, error in tally.problems:
        click.echo(f"row {clean(str(row.id))}, user {clean(str(row.user_id))}: {clean(str(error))}")
    if tally.failed > len(tally.problems):
        click.echo(f"... and {tally.failed - len(tally.problems)} more")


def _name(value: object) -> str | None:
    return None if value is None else str(value)
