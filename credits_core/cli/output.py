"""What is printed: JSON for programs, sentences and columns for people, progress for neither."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from credits_core.errors import CreditsError

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


def error_fields(error: CreditsError) -> dict[str, str]:
    """An error as JSON has it."""
    return {"error": type(error).__name__, "message": str(error)}


@contextmanager
def progress(length: int, label: str) -> Iterator[Callable[[int], None] | None]:
    """A bar on stderr and what moves it on by so many; None when stderr is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    bar: Any = click.progressbar(length=length, label=label, file=sys.stderr)
    with bar:
        yield bar.update
