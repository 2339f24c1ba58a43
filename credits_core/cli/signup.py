"""Signing users up: one, some, or a file of them, as often as one likes."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO

import click

from credits_core.cli import values
from credits_core.cli.failures import REFUSED, UNAVAILABLE, Stopped, certain
from credits_core.cli.output import emit_json, error_fields, json_option, note, progress
from credits_core.cli.store import Store, pass_store, store_options
from credits_core.errors import BackendError, CreditsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from credits_core.client import Credits
    from credits_core.models import Receipt

# A far store answers each user in tens of ms: several travel at once.
WORKERS = 8
GROUP = 200


@dataclass(frozen=True, slots=True)
class Candidate:
    """A user to sign up; `line` is its place in the file, None for an argument."""

    user_id: str
    line: int | None = None

    def where(self) -> str:
        """How to find it again."""
        return f"{self.user_id!r}" if self.line is None else f"line {self.line}"


@dataclass(slots=True)
class Tally:
    """What became of the candidates so far."""

    created: int
    already_there: int
    failures: list[tuple[Candidate, CreditsError]]

    def count(self, candidate: Candidate, outcome: Receipt | CreditsError) -> None:
        """Take one more."""
        if isinstance(outcome, CreditsError):
            self.failures.append((candidate, outcome))
        elif outcome.created:
            self.created += 1
        else:
            self.already_there += 1

    def sentence(self, total: int) -> str:
        """It in words."""
        told = f"{self.created} created, {self.already_there} already there"
        told += f", {len(self.failures)} failed"
        rest = total - self.created - self.already_there - len(self.failures)
        return f"{told}, {rest} not tried." if rest else f"{told}."

    def exit_code(self) -> int:
        """0 when none failed."""
        errors = [error for _, error in self.failures]
        if any(isinstance(error, BackendError) for error in errors):
            return UNAVAILABLE
        return REFUSED if errors else 0


@click.command(short_help="Sign users up with their first credits.")
@click.argument("users", nargs=-1)
@click.option("--file", type=click.File("rb"), help="User ids, one to a line; - is stdin.")
@click.option(
    "--credits", "amount", callback=values.starting_credits, help="For each; default 100."
)
@json_option
@store_options(hidden=True)
@pass_store
def init(
    store: Store, users: tuple[str, ...], file: BinaryIO | None, amount: int | None, as_json: bool
) -> None:
    """Give each of USERS the sign-up credits, once in the account's life.

    Run again it changes nothing. In a file, blank lines and lines that begin with # are
    skipped, and a bad line does not stop the rest.
    """
    candidates = [Candidate(user) for user in users] + (list(_lines(file)) if file else [])
    if not users and file is None:
        raise click.UsageError("name users, or a --file of them", click.get_current_context())
    tally = Tally(0, 0, [])
    with store.client() as credits_, progress(len(candidates), "Signing up") as step:
        try:
            _sign_up(credits_, candidates, amount, tally, step)
        except KeyboardInterrupt:
            raise Stopped(
                f"stopped: {tally.sentence(len(candidates))} Run it again for the rest"
            ) from None
    _print(tally, len(candidates), as_json)
    click.get_current_context().exit(tally.exit_code())


def _sign_up(
    credits_: Credits,
    candidates: Iterable[Candidate],
    amount: int | None,
    tally: Tally,
    step: Callable[[int], None] | None,
) -> None:
    away = threading.Event()

    def one(candidate: Candidate) -> Receipt | CreditsError | None:
        if away.is_set():
            return None
        try:
            return certain(credits_, lambda: credits_.initialize_user(candidate.user_id, amount))
        except CreditsError as error:
            if isinstance(error, BackendError):
                away.set()  # it would fail for every other, a timeout at a time
            return error

    remaining = iter(candidates)
    with ThreadPoolExecutor(WORKERS) as pool:
        while not away.is_set() and (group := list(islice(remaining, GROUP))):
            for candidate, outcome in zip(group, pool.map(one, group), strict=True):
                if outcome is not None:
                    tally.count(candidate, outcome)
                if step:
                    step(1)


def _lines(file: BinaryIO) -> Iterator[Candidate]:
    for number, line in enumerate(file, 1):
        # Not UTF-8: lone surrogates, which the ledger refuses by this line's number.
        encoding = "utf-8-sig" if number == 1 else "utf-8"
        user = line.decode(encoding, "surrogateescape").strip()
        if user and not user.startswith("#"):
            yield Candidate(user, number)


def _print(tally: Tally, total: int, as_json: bool) -> None:
    if not as_json:
        for candidate, error in tally.failures:
            note(f"{candidate.where()}: {error}")
        click.echo(tally.sentence(total))
        return
    failures = [
        {"line": candidate.line, "user_id": candidate.user_id, **error_fields(error)}
        for candidate, error in tally.failures
    ]
    emit_json(
        {
            "created": tally.created,
            "already_there": tally.already_there,
            "failed": len(failures),
            "not_tried": total - tally.created - tally.already_there - len(failures),
            "failures": failures,
        }
    )
