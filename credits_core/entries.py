"""The log entry: the JSON that the TypeScript SDK reads, written and read.

Where Python knows the amount it fixes every byte of a member, so that the same call
always has the same bytes.
"""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Any

from credits_core.models import MAX_BALANCE, SIGN_UP_ACTION, Kind, Transaction

if TYPE_CHECKING:
    from collections.abc import Callable

_quote: Callable[[str], str] = json.JSONEncoder(ensure_ascii=False).encode

_LONE = re.compile("[\ud800-\udfff]")
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]|[\ud800-\udfff]")
"""As they stand in JSON: escaped, or as bytes that are no UTF-8 are handed over."""


def new_tx_id(now_ms: int) -> str:
    """A transaction id, `tx_<ms>_<random>`, 64 bits from a cryptographic source."""
    return f"tx_{now_ms}_{os.urandom(8).hex()}"


def member(tx_id: str, amount: int, action: str, metadata: str | None, timestamp: int) -> str:
    """The bytes of an entry; `metadata` is JSON already.

    >>> member("tx_1_a", -10, "chat", None, 1)
    '{"id":"tx_1_a","amount":-10,"action":"chat","timestamp":1}'
    """
    middle = "" if metadata is None else f',"metadata":{metadata}'
    return (
        f'{{"id":"{tx_id}","amount":{amount},"action":{_quote(action)}{middle}'
        f',"timestamp":{timestamp}}}'
    )


def sign_up_member(tx_id: str, credits_: int, timestamp: int) -> str:
    """The entry of a sign-up, as both SDKs write it."""
    metadata = f'{{"starting_credits":{credits_}}}'
    return member(tx_id, credits_, SIGN_UP_ACTION, metadata, timestamp)


def parse(text: str) -> dict[str, Any] | None:
    """The fields of a member; None when it is no transaction.

    Lone surrogates, which JavaScript writes when it cuts an emoji, come as U+FFFD: they are no
    text that could be written anywhere.
    """
    try:
        entry = json.loads(text)
        if _SURROGATE.search(text):
            entry = _as_unicode(entry)
    except (ValueError, RecursionError):
        return None
    if not isinstance(entry, dict) or not _is_number(entry.get("amount")):
        return None
    return entry


def transaction(entry: dict[str, Any], score: float) -> Transaction:
    """A parsed member as a `Transaction`; its time is its place in the log."""
    action = str(entry.get("action", ""))
    metadata = entry.get("metadata")
    return Transaction(
        id=str(entry.get("id", "")),
        amount=entry["amount"],
        action=action,
        metadata=metadata if isinstance(metadata, dict) else None,
        timestamp=int(score),
        kind=_kind(entry, action),
    )


def _kind(entry: dict[str, Any], action: str) -> Kind:
    # Written only where it does not follow from the rest.
    if entry.get("kind") == "opening":
        return "opening"
    if action == SIGN_UP_ACTION:
        return "sign_up"
    return "deduct" if entry["amount"] < 0 else "add"


def _as_unicode(entry: object) -> Any:
    # As JSON, whose strings are wherever text can be; pairs of surrogates are one sign by now.
    return json.loads(_LONE.sub("\ufffd", json.dumps(entry, ensure_ascii=False)))


def _is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return -MAX_BALANCE <= value <= MAX_BALANCE  # NaN is not
