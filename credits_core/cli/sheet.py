"""Logs as CSV for those who keep the books: RFC 4180, with a running balance."""

from __future__ import annotations

import csv
import io
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from credits_core import decoding, validation
from credits_core.commands import bounds
from credits_core.models import instant
from credits_core.plans.pages import Pages

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from credits_core.executor import Executor
    from credits_core.keys import KeySpace
    from credits_core.models import Transaction

HEADER = (
    "user_id",
    "id",
    "time",
    "action",
    "kind",
    "amount",
    "balance_after",
    "refers_to",
    "hold_id",
    "grant_id",
    "allowance",
    "other_user",
    "expires_at",
    "metadata",
)

# With one of these in front, spreadsheets take a text for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def lines(rows: Iterable[tuple[str, ...]]) -> Iterator[bytes]:
    """Rows as CSV in UTF-8, each with its line break."""
    for row in rows:
        buffer = io.StringIO(newline="")
        csv.writer(buffer, lineterminator="\r\n").writerow(row)
        yield buffer.getvalue().encode("utf-8", "replace")


def rows(
    executor: Executor, keys: KeySpace, user_id: str, since: int | None, until: int | None
) -> Iterator[tuple[str, ...]]:
    """The entries of a user from the oldest on; the balance begins with what was before."""
    user_id = validation.user_id(user_id, braces=keys.braces)
    pages = Pages(keys, user_id, "oldest", *bounds(None, until))
    balance = Decimal(0)
    while not pages.done:
        for member, score in executor.run_plan(pages.following()):
            entry = decoding.transaction(member, score, user_id)
            balance += Decimal(str(entry.amount))
            if since is None or entry.timestamp >= since:
                yield _row(user_id, entry, balance, _about(entry, member, user_id))


def _row(user_id: str, entry: Transaction, balance: Decimal, about: str) -> tuple[str, ...]:
    return (
        as_text(user_id),
        as_text(entry.id),
        _iso(entry.timestamp),
        as_text(entry.action),
        entry.kind,
        f"{Decimal(str(entry.amount)):f}",
        f"{balance:f}",
        as_text(entry.refers_to or ""),
        as_text(entry.hold_id or ""),
        as_text(entry.grant_id or ""),
        as_text(entry.allowance or ""),
        as_text(entry.other_user or ""),
        "" if entry.expires_at is None else _iso(entry.expires_at),
        as_text(about),
    )


def _iso(timestamp_ms: int) -> str:
    moment = instant(timestamp_ms).isoformat(timespec="milliseconds")
    return moment.replace("+00:00", "Z")


def _about(entry: Transaction, member: str, user_id: str) -> str:
    about: Any = entry.metadata
    if entry.kind == "checkpoint":
        about = {"folded_entries": decoding.entry(member, user_id).get("entries")}
    return "" if about is None else json.dumps(about, ensure_ascii=False)


def as_text(text: str) -> str:
    """A text that no spreadsheet takes for a formula.

    >>> as_text("=1+1"), as_text("chat")
    ("'=1+1", 'chat')
    """
    return f"'{text}" if text.startswith(_FORMULA) else text
