"""From errors to what a person or a program is told: one sentence and an exit code."""

from __future__ import annotations

import traceback
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import click

from credits_core.cli.output import clean, emit_json, note
from credits_core.errors import (
    BackendError,
    BackendUnavailableError,
    CreditsError,
    InvalidRequestError,
    OutcomeUnknownError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from credits_core.cli.store import Store
    from credits_core.client import Credits
    from credits_core.models import Receipt

T = TypeVar("T")

REFUSED = 1
INVALID = 2
UNAVAILABLE = 3
STOPPED = 130


class Stopped(Exception):  # noqa: N818 - not an error: a person pressed Ctrl-C
    """Ctrl-C, with a sentence on what was done by then."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ends that did not end well."""

    error: str
    message: str
    code: int
    trace: str = ""


# The first that fits; an error says itself what happened.
_CODES = (
    (InvalidRequestError, INVALID),
    (BackendError, UNAVAILABLE),
    (CreditsError, REFUSED),
    (OSError, REFUSED),
    (Stopped, STOPPED),
)


def ending(error: Exception) -> Ending:
    """What to say of an error, and the exit code."""
    name, message = type(error).__name__, str(error)
    for kind, code in _CODES:
        if isinstance(error, kind):
            return Ending(name, message, code)
    if isinstance(error, click.UsageError):
        return Ending("UsageError", _usage(error), INVALID)
    if isinstance(error, click.ClickException):
        return Ending("CommandError", error.format_message(), error.exit_code)
    if isinstance(error, click.Abort):
        return Ending("Stopped", "stopped", STOPPED)
    trace = "".join(traceback.format_exception(error))
    return Ending(name, f"unexpected {name}: {message}. This is a fault here.", REFUSED, trace)


def report(end: Ending, store: Store, *, as_json: bool) -> None:
    """Say on stderr how it ended, without secrets."""
    message = clean(store.redact(" ".join(end.message.split())))
    if as_json:
        emit_json({"error": end.error, "message": message}, err=True)
        return
    if end.trace:
        click.echo(store.redact(end.trace), err=True)
    click.echo(f"Error: {message}", err=True)


def _usage(error: click.UsageError) -> str:
    message = error.format_message()
    if error.ctx is None:
        return message
    return f"{message.rstrip('.')}. See '{error.ctx.command_path} --help'."


@contextmanager
def repeatable(what: str, cure: str = "run it again, which does no harm") -> Iterator[None]:
    """Writes that are simply run again when no answer comes, or when they are stopped."""
    try:
        yield
    except OutcomeUnknownError as error:
        raise OutcomeUnknownError(
            f"whether {what} is not known, for no answer came: {cure}",
            error.command,
            error.deadline_ms,
        ) from error
    except KeyboardInterrupt:
        raise Stopped(f"stopped before an answer came: {cure}") from None


def certain(credits_: Credits, operation: Callable[[], T]) -> T | Receipt:
    """Run a write; when no answer comes, ask once what became of it and say so."""
    try:
        return operation()
    except OutcomeUnknownError as error:
        receipt = _asked_again(credits_, error)
    note("No answer came; asked again, the ledger says that it was done.")
    return receipt


def written(credits_: Credits, user: str, name: str, operation: Callable[[], T]) -> T | Receipt:
    """Run the one write of a command; where only asking told of it, the answer is a receipt."""
    try:
        return certain(credits_, operation)
    except KeyboardInterrupt:
        raise Stopped(
            f"stopped before an answer came: `credits history` of {user!r} tells whether "
            f"this {name} was done"
        ) from None


def _asked_again(credits_: Credits, error: OutcomeUnknownError) -> Receipt:
    what = f"{error.command.name} for {error.user_id!r}"
    try:
        receipt = credits_.resolve(error)
    except BackendUnavailableError as still:
        raise OutcomeUnknownError(
            f"{what} was sent and not answered, and the store could not be asked since: if it "
            f"was done, `credits history` shows {error.tx_id}. Look before you repeat it",
            error.command,
            error.deadline_ms,
        ) from still
    if receipt is None:
        raise BackendUnavailableError(
            f"{what} was not answered; asked again, it was not done and never will be: it may "
            f"be repeated"
        ) from error
    return receipt
