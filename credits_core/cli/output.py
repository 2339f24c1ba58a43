"""What is printed: JSON for programs, sentences and columns for people, progress for neither."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from credits_core.errors import CreditsError
    from credits_core.models import Receipt

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def emit_json(value: object, *, err: bool = False) -> None:
    """One JSON document on one line, in ASCII whatever the terminal's encoding."""
    click.echo(json.dumps(value, separators=(",", ":")), err=err)


def note(text: str) -> None:
    """A remark beside the result, on stderr."""
    click.echo(clean(text), err=True)


def clean(text: str) -> str:
    """The text without what could steer a terminal; other apps write to the log, too.

    >>> clean("a\\x1b[2Jb")
    'a\\\\x1b[2Jb'
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def credits_of(amount: float) -> str:
    """An amount with its unit.

    >>> credits_of(1), credits_of(20)
    ('1 credit', '20 credits')
    """
    return f"{amount} credit" if amount == 1 else f"{amount} credits"


def shown(moment: datetime) -> str:
    """An instant, to the millisecond.

    >>> from datetime import UTC, datetime
    >>> shown(datetime(2026, 1, 31, 12, tzinfo=UTC))
    '2026-01-31 12:00:00.000Z'
    """
    return moment.isoformat(sep=" ", timespec="milliseconds").replace("+00:00", "Z")


def error_fields(error: CreditsError) -> dict[str, str]:
    """An error as JSON has it."""
    return {"error": type(error).__name__, "message": str(error)}


def print_receipt(
    receipt: Receipt,
    about: Mapping[str, str | int],
    sentence: str,
    as_json: bool,
    *,
    again: str = "Done before, nothing changed",
) -> None:
    """What a write did: as JSON with what it was `about`, else as a sentence."""
    if as_json:
        fields = asdict(receipt)
        del fields["claimed"]  # of a revocation alone, which tells it
        emit_json({**about, **fields})
        return
    if receipt.replayed:
        sentence = f"{again}: {credits_of(receipt.balance)} now."
    click.echo(f"{sentence} ({clean(receipt.tx_id)})" if receipt.created else sentence)


@contextmanager
def progress(length: int, label: str) -> Iterator[Callable[[int], None] | None]:
    """A bar on stderr and what moves it on by so many; None when stderr is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    bar: Any = click.progressbar(length=length, label=label, file=sys.stderr)
    with bar:
        yield bar.update
