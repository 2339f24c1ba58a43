"""Entries of a log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from credits_core import entries
from credits_core.decoding.refusals import accepted, state_error
from credits_core.models import FIRST_MS, LAST_MS, Transaction

if TYPE_CHECKING:
    from credits_core.command import Reply


def page(reply: Reply, *, user_id: str) -> list[tuple[str, str]]:
    """A page of the log as (member, score) pairs."""
    accepted(reply, user_id=user_id)
    return list(zip(reply[2::2], reply[3::2], strict=True))


def entry(member: str, user_id: str) -> dict[str, Any]:
    """The fields of a log member."""
    fields = entries.parse(member)
    if fields is None:
        raise state_error(user_id, "malformed_entry", member[:80])
    return fields


def transaction(member: str, score: str, user_id: str) -> Transaction:
    """A log member with its score; one outside of the calendar is no transaction."""
    fields, at = entry(member, user_id), float(score)
    if not FIRST_MS <= at < LAST_MS + 1:
        raise state_error(user_id, "malformed_entry", f"{member[:80]} at {score} ms")
    return entries.transaction(fields, at)
