"""Checks of what callers hand in, before a byte goes to the store.

Every function returns the value in the form that is sent, or raises
`InvalidRequestError` with a sentence that says what to pass instead.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterable, Iterable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Literal, TypeVar

from credits_core.errors import InvalidRequestError
from credits_core.models import (
    EPOCH,
    LAST_MS,
    MAX_AMOUNT,
    MAX_PRIORITY,
    MILLISECOND,
    SIGN_UP_ACTION,
    Item,
    instant,
)

T = TypeVar("T")

MAX_USER_ID_BYTES = 256
MAX_ACTION_CHARS = 64
MAX_KEY_CHARS = 255
MAX_PAYMENT_CHARS = 128
"""So that keys made of a payment's id and a return's id are keys still."""
MAX_METADATA_BYTES = 4096
MAX_METADATA_DEPTH = 8
MAX_LIMIT = 1000
MAX_BATCH = 500
MAX_TOKENS = 10**15
MIN_FOLD_AGE_MS = 30 * 24 * 3600 * 1000
MAX_HOLD_MS = 366 * 24 * 3600 * 1000
MAX_ROUTE_CHARS = 512
MAX_FINGERPRINT_CHARS = 128
MAX_ANSWER_BYTES = 2**20
MAX_LEASE_MS = 3600 * 1000
MAX_KEEP_MS = 30 * 24 * 3600 * 1000
LEAST_MS = 10**12
"""September 2001: a smaller instant that something lasts until was meant in seconds."""


_SURROGATE = re.compile("[\ud800-\udfff]")
_SURROGATES = 0xD800
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def _fail(message: str) -> InvalidRequestError:
    return InvalidRequestError(message)


def _short(value: object) -> str:
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - the repr of a caller's object; huge ints refuse theirs
        return f"a {type(value).__name__} that cannot be shown"
    return text if len(text) <= 60 else text[:57] + "..."


def _line(value: object, what: str) -> str:
    """A non-empty one-line text without blank edges."""
    if not isinstance(value, str):
        raise _fail(f"{what} is a str, not {type(value).__name__}: {_short(value)}")
    bare = value.strip()
    if not bare:
        raise _fail(f"{what} is blank: {_short(value)}")
    if value != bare:
        raise _fail(f"{what} begins or ends with blanks; strip it first: {_short(value)}")
    # str.isprintable would refuse emoji joiners too; only controls break logs and keys.
    if found := _UNSAFE.search(value):
        what_it_holds = "a control character" if ord(found[0]) < _SURROGATES else "a lone surrogate"
        raise _fail(f"{what} holds {what_it_holds}: {_short(value)}")
    return value


def line(value: object, what: str, longest: int = MAX_KEY_CHARS) -> str:
    """A text of one line: 1 to `longest` characters, no blank edges, no control characters."""
    text = _line(value, what)
    if len(text) > longest:
        raise _fail(f"{what} is longer than {longest} characters: {_short(text)}")
    return text


def user_id(value: object, *, braces: bool = False) -> str:
    """A user id: 1 to 256 bytes of UTF-8, no blank edges, no control characters."""
    text = _line(value, "user_id")
    if len(text.encode()) > MAX_USER_ID_BYTES:
        raise _fail(f"user_id is longer than {MAX_USER_ID_BYTES} bytes: {_short(text)}")
    if braces and ("{" in text or "}" in text):
        raise _fail(
            f"user_id holds a brace, which on Redis Cluster would move the account to "
            f"another slot: {_short(text)}"
        )
    return text


def users(value: T) -> T:
    """Several users: any iterable of ids, but not one id, whose letters would be taken for ids."""
    if isinstance(value, (str, bytes)):
        raise _fail(f"users are several, not {type(value).__name__}: pass [{_short(value)}]")
    if not isinstance(value, (Iterable, AsyncIterable)):
        raise _fail(f"users are several ids, not {type(value).__name__}: {_short(value)}")
    return value


def zoned(value: object) -> datetime:
    """A datetime of a time zone."""
    if not isinstance(value, datetime):
        raise _fail(f"periods are counted from datetimes, not {_short(value)}")
    if value.utcoffset() is None:
        raise _fail(f"a datetime without a time zone: {_short(value)}")
    return value


def action(value: object) -> str:
    """What the credits are for: 1 to 64 characters, and not the name of the sign-up."""
    # An app has few of them, and each charge names one.
    return _known_action(value) if type(value) is str else _action(value)


def _action(value: object) -> str:
    text = line(value, "action", MAX_ACTION_CHARS)
    if text == SIGN_UP_ACTION:
        raise _fail(f"the action {text!r} marks a sign-up: call initialize_user for that")
    return text


_known_action = lru_cache(maxsize=256)(_action)


def allowance_name(value: object) -> str:
    """The name of an allowance: 1 to 64 characters."""
    return line(value, "name", MAX_ACTION_CHARS)


def tx_id(value: object, what: str) -> str:
    """The id of a transaction or of a hold: 1 to 255 characters."""
    return line(value, what)


def addition(by_id: object, added_with: object) -> str:
    """Which addition is meant: its id, or the idempotency key that it is made with."""
    if (by_id is None) == (added_with is None):
        raise _fail("an addition is named by its tx_id, or by the key it is added_with")
    if by_id is not None:
        return tx_id(by_id, "tx_id")
    return idempotency_key(added_with)


def reason(value: object, more: Mapping[str, Any] | None = None) -> str | None:
    """A reason (1 to 255 characters, or None) as metadata, with what else is told."""
    if value is None:
        return metadata(more)
    metadata(more)
    return metadata({**(more or {}), "reason": line(value, "reason")})


def freeze_reason(value: object) -> str:
    """Why an account is frozen: up to 255 characters, or nothing."""
    if value == "":
        return ""
    return line(value, "reason")


def idempotency_key(value: object) -> str:
    """A caller's idempotency key: 1 to 255 characters."""
    return line(value, "idempotency_key")


def answer(value: object) -> str:
    """The answer to a request: any text of at most 1 MiB in UTF-8."""
    if not isinstance(value, str):
        raise _fail(f"answer is a str, not {type(value).__name__}")
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        raise _fail("answer holds a lone surrogate, which is no Unicode text") from None
    if size > MAX_ANSWER_BYTES:
        raise _fail(f"answer is {size} bytes of UTF-8; at most {MAX_ANSWER_BYTES} are kept")
    return value


def _whole(value: object, what: str, lowest: int, highest: int) -> int:
    # An int in all its forms but bool; a float is refused even when it is whole, so that
    # a fraction lost upstream is found where it was made.
    if type(value) is not int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise _fail(f"{what} is a whole int, not {type(value).__name__}: {_short(value)}")
        value = int(value)
    if not lowest <= value <= highest:
        raise _fail(f"{what} is from {lowest} to {highest}, not {_short(value)}")
    return value


def amount(value: object) -> int:
    """An amount of credits: 1 to 10^15."""
    return _whole(value, "amount", 1, MAX_AMOUNT)


def amount_or_zero(value: object) -> int:
    """An amount that may be nothing: 0 to 10^15."""
    return _whole(value, "amount", 0, MAX_AMOUNT)


def floor(value: object) -> int:
    """The floor of an account: -10^15 to 10^15."""
    return _whole(value, "floor", -MAX_AMOUNT, MAX_AMOUNT)


def priority(value: object) -> int:
    """The priority of a grant: -1000 to 1000, lower is spent first."""
    return _whole(value, "priority", -MAX_PRIORITY, MAX_PRIORITY)


def starting_credits(value: object) -> int:
    """The credits of a sign-up: 0 to 10^15."""
    return _whole(value, "credits", 0, MAX_AMOUNT)


def tokens(value: object, what: str) -> int:
    """A count of tokens: 0 to 10^15."""
    return _whole(value, what, 0, MAX_TOKENS)


def batch_size(value: int) -> int:
    """How many operations may happen together on one account: 1 to 500."""
    return _whole(value, "the number of items", 1, MAX_BATCH)


def items(value: object) -> list[Item]:
    """Several charges or additions: any iterable of `Item`."""
    if not isinstance(value, Iterable):
        raise _fail(f"items are several, not {type(value).__name__}: pass [Item(...), ...]")
    found = list(value)
    for item in found:
        if not isinstance(item, Item):
            raise _fail(
                f"items are of the type Item, not {type(item).__name__}: pass "
                f"Item(user_id, amount, action), not {_short(item)}"
            )
    return found


def archive(value: object) -> None:
    """Where folded entries go: anything with a `write`."""
    if not callable(getattr(value, "write", None)):
        raise _fail(
            f"an archive has a write of its own, such as JsonLinesArchive(path) or "
            f"SqlArchive(url), not {_short(value)}"
        )


def route(value: object) -> str:
    """The name of a route: 1 to 255 characters."""
    return tx_id(value, "route")


def outage_limit(value: object) -> int:
    """Up to how many credits a user is served in an outage: 0 to 10^15."""
    return _whole(value, "limit", 0, MAX_AMOUNT)


def choice(value: object, what: str, choices: tuple[str, ...]) -> None:
    """One of a few words."""
    if value not in choices:
        raise _fail(f"{what} is one of {', '.join(map(repr, choices))}, not {_short(value)}")


def rollover(value: object) -> int | Literal["none", "all"]:
    """What rolls over: `"none"`, `"all"`, or up to so many credits."""
    if value == "none":
        return "none"
    if value == "all":
        return "all"
    if isinstance(value, str):
        raise _fail(f"rollover is 'none', 'all' or a number of credits, not {_short(value)}")
    return _whole(value, "rollover", 0, MAX_AMOUNT)


def days(value: object, most: int) -> int:
    """How many days: 1 to `most`."""
    return _whole(value, "days", 1, most)


def limit(value: object) -> int:
    """How many transactions to return: 1 to 1000."""
    return _whole(value, "limit", 1, MAX_LIMIT)


def instant_ms(value: object, what: str) -> int | None:
    """An instant of the app's own time: ms since the epoch or an aware datetime; or None.

    Payment providers tell seconds, which are taken for no ms of 1970.
    """
    at = bound_ms(value, what)
    if at is not None and at < LEAST_MS and not isinstance(value, datetime):
        raise _fail(
            f"{what} is in milliseconds since 1970, or an aware datetime: {at} would be in the "
            f"year {instant(at).year}; multiply seconds by 1000"
        )
    return at


def bound_ms(value: object, what: str) -> int | None:
    """A bound of the history: ms since the epoch or an aware datetime; None for no bound."""
    if value is None:
        return None
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise _fail(f"{what} is a datetime without a time zone: {_short(value)}")
        return (value - EPOCH) // MILLISECOND
    return _whole(value, what, 0, 2**53 - 1)


def duration_ms(value: object, what: str) -> int:
    """A duration in whole ms, of seconds or a timedelta: above 0, at most ten thousand years."""
    if isinstance(value, timedelta):
        span = value / MILLISECOND
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        span = value * 1000
    else:
        raise _fail(f"{what} is seconds or a timedelta, not {type(value).__name__}")
    if not 1 <= span <= LAST_MS:
        raise _fail(
            f"{what} is above 0 seconds (0.001 at least) and ends by the year 9999, not "
            f"{_seconds(value)}"
        )
    return int(span)


def duration_s(value: object, what: str, shortest: int, longest: int) -> float:
    """A duration in seconds: from `shortest` to `longest`."""
    span = _bounded_ms(value, what, longest * 1000)
    if span < shortest * 1000:
        raise _fail(f"{what} is at least {shortest}, not {_seconds(value)}")
    return span / 1000


def _seconds(value: object) -> str:
    if isinstance(value, timedelta):
        value = value.total_seconds()
    return f"{_short(value)} seconds"


def hold_ms(value: object) -> int:
    """How long a hold stays open, in ms: up to 366 days."""
    span = duration_ms(value, "expires_in")
    if span > MAX_HOLD_MS:
        raise _fail(
            f"a hold expires within {MAX_HOLD_MS // 86_400_000} days, which are "
            f"{MAX_HOLD_MS // 1000} seconds, not {_seconds(value)}"
        )
    return span


def lease_ms(value: object) -> int:
    """How long a request is its worker's alone, in ms: up to an hour."""
    return _bounded_ms(value, "lease", MAX_LEASE_MS)


def keep_ms(value: object) -> int:
    """How long the answer to a request is kept, in ms: up to 30 days."""
    return _bounded_ms(value, "keep", MAX_KEEP_MS)


def _bounded_ms(value: object, what: str, longest: int) -> int:
    span = duration_ms(value, what)
    if span > longest:
        raise _fail(f"{what} is at most {longest // 1000} seconds, not {_seconds(value)}")
    return span


def fold_age_ms(value: object) -> int:
    """How old an entry is that may be folded, in ms: 30 days or more."""
    span = duration_ms(value, "older_than")
    if span < MIN_FOLD_AGE_MS:
        raise _fail(
            f"entries are folded after {MIN_FOLD_AGE_MS // 86_400_000} days or more, as long as "
            f"charges are told apart by their keys, not after {_seconds(value)}"
        )
    return span


def expiry(at: int | None) -> int | None:
    """When a grant expires (ms): within the calendar."""
    if at is not None and at > LAST_MS:
        raise _fail(f"credits expire by the end of the year 9999, not at {at} ms")
    return at


def payment_id(value: object, *, braces: bool = False) -> str:
    """The id of a payment: 1 to 200 characters."""
    text = line(value, "payment_id", MAX_PAYMENT_CHARS)
    if braces and ("{" in text or "}" in text):
        raise _fail(
            f"payment_id holds a brace, which on Redis Cluster chooses the slot: {_short(text)}"
        )
    return text


def note(value: object) -> str:
    """What is noted of a payment: a text of at most 4096 bytes of UTF-8."""
    if not isinstance(value, str):
        raise _fail(f"value is a str, not {type(value).__name__}")
    if len(value.encode(errors="surrogatepass")) > MAX_METADATA_BYTES or _SURROGATE.search(value):
        raise _fail(f"value is Unicode text of at most {MAX_METADATA_BYTES} bytes of UTF-8")
    return value


def metadata(value: Mapping[str, Any] | None) -> str | None:
    """Metadata as compact JSON: an object of at most 4096 bytes, at most 8 levels deep."""
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise _fail(f"metadata is a dict, not {type(value).__name__}: {_short(value)}")
    value = dict(value)
    _check_depth(value)
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        size = len(text.encode())
    except UnicodeEncodeError:
        raise _fail("metadata holds a lone surrogate, which is no Unicode text") from None
    except (TypeError, ValueError) as error:
        raise _fail(f"metadata is not JSON: {error}") from None
    if size > MAX_METADATA_BYTES:
        raise _fail(f"metadata is {size} bytes of JSON; at most {MAX_METADATA_BYTES} are kept")
    return text


def plain_metadata(value: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Metadata as it comes back from its JSON."""
    text = metadata(value)
    return None if text is None else json.loads(text)


def _check_depth(value: object) -> None:
    # Level by level, so that neither depth nor a cycle can exhaust the stack.
    level: list[object] = [value]
    for _ in range(MAX_METADATA_DEPTH):
        below: list[object] = []
        for node in level:
            if isinstance(node, dict):
                for key in node:
                    if not isinstance(key, str):
                        raise _fail(f"metadata has a key that is no str: {_short(key)}")
                below.extend(node.values())
            elif isinstance(node, (list, tuple)):
                below.extend(node)
        level = below
        if not level:
            return
        if len(level) > MAX_METADATA_BYTES:
            raise _fail(f"metadata is over {MAX_METADATA_BYTES} bytes of JSON")
    if any(isinstance(node, (dict, list, tuple)) for node in level):
        raise _fail(f"metadata is nested deeper than {MAX_METADATA_DEPTH} levels")
