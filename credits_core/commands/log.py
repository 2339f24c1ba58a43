"""Pages of a log."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from credits_core import decoding, scripts, validation
from credits_core.command import Call, Command

if TYPE_CHECKING:
    from credits_core.keys import KeySpace


def bounds(start_ms: int | None, end_ms: int | None) -> tuple[str, str]:
    """Inclusive instants as score bounds; scores carry fractions of their millisecond."""
    low = "-inf" if start_ms is None else str(start_ms)
    high = "+inf" if end_ms is None else f"({end_ms + 1}"
    return low, high


def log_page(
    keys: KeySpace, user_id: str, order: str, low: str, high: str, limit: int
) -> Command[list[tuple[str, str]]]:
    """Read one page of the raw log between two score bounds."""
    user_id = validation.user_id(user_id, braces=keys.braces)
    call = Call(scripts.READ_LOG, keys.account(user_id)[1:2], (order, low, high, str(limit)))
    return Command("read_log", user_id, call, partial(decoding.page, user_id=user_id))
