"""The command that takes old entries out of the logs and into an archive."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from credits_core import validation
from credits_core.archives import JsonLinesArchive
from credits_core.cli import values
from credits_core.cli.databases import database
from credits_core.cli.failures import REFUSED, UNAVAILABLE, Stopped
from credits_core.cli.output import clean, emit_json, error_fields, json_option, progress
from credits_core.cli.store import Store, pass_store, store_options
from credits_core.errors import BackendUnavailableError, CreditsError, OutcomeUnknownError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from credits_core.archives import Archive
    from credits_core.client import Credits

MAX_PROBLEMS = 100


@dataclass(slots=True)
class Tally:
    """What was folded so far."""

    accounts: int
    tried: int = 0
    folded: int = 0
    entries: int = 0
    failed: int = 0
    away: bool = False
    problems: list[tuple[str, CreditsError]] = field(default_factory=list)

    def fail(self, user: str, error: CreditsError) -> None:
        """Count an account that stays as it is from where it is folded to."""
        self.failed += 1
        self.problems = [*self.problems, (user, error)][:MAX_PROBLEMS]
        self.away = isinstance(error, (BackendUnavailableError, OutcomeUnknownError))

    def sentence(self) -> str:
        """It in words."""
        told = f"{self.entries} entries of {self.folded} accounts archived and folded"
        told += f", {self.failed} accounts failed" if self.failed else ""
        rest = self.accounts - self.tried
        return f"{told}, {rest} not tried" if rest else told


@click.command(short_help="Archive old entries, keep their sum.")
@click.argument("users", nargs=-1)
@click.option("--all", "everybody", is_flag=True, help="All users of the store.")
@click.option(
    "--archive",
    "target",
    required=True,
    metavar="FILE|SQL-URL",
    help="Where old entries go: a file (JSON lines), or a database such as sqlite:///old.db.",
)
@click.option(
    "--older-than",
    callback=values.duration,
    default="180d",
    show_default=True,
    help="Fold entries older than this, 30d at least.",
)
@click.option(
    "--table", default="credit_transactions", show_default=True, help="The table in a database."
)
@json_option
@store_options(hidden=True)
@pass_store
def fold(
    store: Store,
    users: tuple[str, ...],
    everybody: bool,
    target: str,
    older_than: int,
    table: str,
    as_json: bool,
) -> None:
    """Archive the old entries of USERS, and put a checkpoint with their sum in their place.

    Balances stay as they are. Stopped or killed, run it again with the same archive: it goes
    on where it broke off. Exit code 1 if an account could not be folded.
    """
    if bool(users) == everybody:
        raise click.UsageError("name users, or say --all", click.get_current_context())
    validation.fold_age_ms(older_than)
    with _opened(target, table) as archive, store.client() as credits_:
        chosen = list(dict.fromkeys(users)) or list(credits_.users())
        tally = Tally(len(chosen))
        with progress(len(chosen), "Folding") as step:
            try:
                _fold(credits_, _in_order(chosen, archive), older_than, archive, tally, step)
            except KeyboardInterrupt:
                raise Stopped(
                    f"stopped: {tally.sentence()}. Run it again with the same archive"
                ) from None
    _print(tally, as_json)
    if tally.failed:
        click.get_current_context().exit(UNAVAILABLE if tally.away else REFUSED)


@contextmanager
def _opened(target: str, table: str) -> Iterator[Archive]:
    if "://" not in target:
        with JsonLinesArchive(target) as archive:
            yield archive
        return
    with database(target):
        from credits_core.archives import SqlArchive  # noqa: PLC0415 - loads SQLAlchemy

        with SqlArchive(target, table=table) as kept:
            yield kept


def _in_order(users: list[str], archive: Archive) -> list[str]:
    """A crash may have left the last entries of a file in a log: their account comes first."""
    last = getattr(archive, "last_user", None)
    return sorted(users, key=lambda user: user != last)


def _fold(
    credits_: Credits,
    users: list[str],
    older_than: int,
    archive: Archive,
    tally: Tally,
    step: Callable[[int], None] | None,
) -> None:
    span = timedelta(seconds=older_than)
    for user in users:
        try:
            report = credits_.fold(user, archive, older_than=span)
            tally.folded += bool(report.folded)
            tally.entries += report.folded
        except CreditsError as error:
            tally.fail(user, error)
        tally.tried += 1
        if step:
            step(1)
        if tally.away:
            return


def _print(tally: Tally, as_json: bool) -> None:
    if as_json:
        emit_json(
            {
                "accounts": tally.accounts,
                "folded": tally.folded,
                "entries": tally.entries,
                "failed": tally.failed,
                "not_tried": tally.accounts - tally.tried,
                "problems": [
                    {"user_id": user, **error_fields(error)} for user, error in tally.problems
                ],
            }
        )
        return
    click.echo(f"{tally.sentence()}.")
    for user, error in tally.problems:
        click.echo(f"{clean(user)}: {clean(str(error))}")
    if tally.failed > len(tally.problems):
        click.echo(f"... and {tally.failed - len(tally.problems)} more")
