"""Checks of what callers hand in, before a byte goes to the store.

Every function returns the value in the form that is sent, or raises
`InvalidRequestError` with a sentence that says what to pass instead.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

from credits_core.errors import InvalidRequestError
from credits_core.models import EPOCH, MAX_AMOUNT, MILLISECOND, SIGN_UP_ACTION

T = TypeVar("T")

MAX_USER_ID_BYTES = 256
MAX_ACTION_CHARS = 64
MAX_KEY_CHARS = 255
MAX_METADATA_BYTES = 4096
MAX_METADATA_DEPTH = 8
MAX_LIMIT = 1000


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
    if not value.strip():
        raise _fail(f"{what} is blank: {_short(value)}")
    if value != value.strip():
        raise _fail(f"{what} begins or ends with blanks; strip it first: {_short(value)}")
    # str.isprintable would refuse emoji joiners too; only controls break logs and keys.
    if found := _UNSAFE.search(value):
        what_it_holds = "a control character" if ord(found[0]) < _SURROGATES else "a lone surrogate"
        raise _fail(f"{what} holds {what_it_holds}: {_short(value)}")
    return value


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
    return value


def action(value: object) -> str:
    """What the credits are for: 1 to 64 characters, and not the name of the sign-up."""
    text = _line(value, "action")
    if text == SIGN_UP_ACTION:
        raise _fail(f"the action {text!r} marks a sign-up: call initialize_user for that")
    if len(text) > MAX_ACTION_CHARS:
        raise _fail(f"action is longer than {MAX_ACTION_CHARS} characters: {_short(text)}")
    return text


def idempotency_key(value: object) -> str:
    """A caller's idempotency key: 1 to 255 characters."""
    text = _line(value, "idempotency_key")
    if len(text) > MAX_KEY_CHARS:
        raise _fail(f"idempotency_key is longer than {MAX_KEY_CHARS} characters: {_short(text)}")
    return text


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


def starting_credits(value: object) -> int:
    """The credits of a sign-up: 0 to 10^15."""
    return _whole(value, "credits", 0, MAX_AMOUNT)


def limit(value: object) -> int:
    """How many transactions to return: 1 to 1000."""
    return _whole(value, "limit", 1, MAX_LIMIT)


def instant_ms(value: object, what: str) -> int | None:
    """An instant: ms since the epoch or an aware datetime; None for no bound."""
    if value is None:
        return None
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise _fail(f"{what} is a datetime without a time zone: {_short(value)}")
        return (value - EPOCH) // MILLISECOND
    return _whole(value, what, 0, 2**53 - 1)


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
