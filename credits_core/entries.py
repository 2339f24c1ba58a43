"""The log entry: the JSON that the TypeScript SDK reads, written and read.

Where Python knows the amount it fixes every byte of a member, so that the same call
always has the same bytes.
"""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Any, cast, get_args

from credits_core.models import (
    LAST_MS,
    MAX_BALANCE,
    MAX_PRIORITY,
    SIGN_UP_ACTION,
    Kind,
    Transaction,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

quoted: Callable[[str], str] = json.encoder.encode_basestring
"""A text as JSON, with the characters that it has."""

NEVER = 10**15 - 1
"""The expiry of a grant that does not expire by itself, later than any calendar."""

_TX_ID = re.compile(r"(?:tx|checkpoint)_([0-9]{1,15})_")

_KINDS = frozenset(get_args(Kind))
_MOVES = frozenset({"transfer", "merge"})

LONE = re.compile("[\ud800-\udfff]")
"""What stands in a str for bytes that are no text."""

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]|[\ud800-\udfff]")
"""Surrogates as they stand in JSON: escaped, or as bytes that are no UTF-8 are handed over."""


def new_tx_id(now_ms: int) -> str:
    """A transaction id, `tx_<ms>_<random>`, 64 bits from a cryptographic source."""
    return f"tx_{now_ms}_{os.urandom(8).hex()}"


def tx_ids_from(first: str, count: int) -> list[str]:
    """The ids of what happens together: counted from the first, so that it tells the others.

    >>> tx_ids_from("tx_1763612345678_0123456789ab0000", 2)
    ['tx_1763612345678_0123456789ab0000', 'tx_1763612345678_0123456789ab0001']
    """
    return [f"{first[:-4]}{number:04x}" for number in range(count)]


def made_at(tx_id: str) -> int | None:
    """When a transaction was made (ms), as its id says; None for the id of another app.

    >>> made_at("tx_1763612345678_0123456789abcdef")
    1763612345678
    """
    found = _TX_ID.match(tx_id)
    return None if found is None else int(found[1])


def grant_name(priority: int, expires: int, tx_id: str) -> str:
    """What a grant is called in the store: names in their order are grants in theirs.

    >>> grant_name(0, 1763612345678, "tx_1_a")
    '1000 001763612345678 tx_1_a'
    """
    return f"{priority + MAX_PRIORITY:04} {expires:015} {tx_id}"


def parts(
    tx_id: str, action: str, metadata: str | None, timestamp: int, **more: object
) -> tuple[str, str]:
    """What stands before and after the amount of an entry; `metadata` is JSON already.

    `more` are the fields of ours that other apps ignore.
    """
    text = member(tx_id, 0, action, metadata, timestamp, **more)
    head = f'{{"id":"{tx_id}","amount":'
    return head, text[len(head) + 1 :]


def fields(more: Mapping[str, object]) -> str:
    """Fields to follow others, strings and whole numbers; what is None is left out."""
    given = ((name, value) for name, value in more.items() if value is not None)
    return "".join(
        f',"{name}":{quoted(value) if isinstance(value, str) else value}' for name, value in given
    )


def member(
    tx_id: str, amount: int, action: str, metadata: str | None, timestamp: int, **more: object
) -> str:
    """The bytes of an entry; `metadata` is JSON already.

    >>> member("tx_1_a", -10, "chat", None, 1)
    '{"id":"tx_1_a","amount":-10,"action":"chat","timestamp":1}'
    """
    middle = "" if metadata is None else f',"metadata":{metadata}'
    rest = fields(more) if more else ""
    return (
        f'{{"id":"{tx_id}","amount":{amount},"action":{quoted(action)}{middle}'
        f',"timestamp":{timestamp}{rest}}}'
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
    kind = _kind(entry, action)
    tx_id = str(entry.get("id", ""))
    grant = entry.get("grant")
    return Transaction(
        id=tx_id,
        amount=entry["amount"],
        action=action,
        metadata=metadata if isinstance(metadata, dict) else None,
        timestamp=int(score),
        kind=kind,
        hold_id=tx_id if kind == "hold" else _text(entry.get("hold")),
        grant_id=grant.rpartition(" ")[2] if isinstance(grant, str) else None,
        refers_to=_text(entry.get("ref")),
        expires_at=_whole(entry.get("expires"), LAST_MS),
        other_user=_text(entry.get("to", entry.get("from"))) if kind in _MOVES else None,
        allowance=_text(entry.get("allowance")),
        period=_whole(entry.get("period"), LAST_MS),
        kept=_whole(entry.get("kept"), MAX_BALANCE),
        payment=_text(entry.get("payment")),
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _whole(value: object, most: int) -> int | None:
    fits = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most
    return cast("int", value) if fits else None


def _kind(entry: dict[str, Any], action: str) -> Kind:
    # Written only where it does not follow from the rest.
    kind = entry.get("kind")
    if isinstance(kind, str) and kind in _KINDS:
        return cast("Kind", kind)
    if action == SIGN_UP_ACTION:
        return "sign_up"
    return "deduct" if entry["amount"] < 0 else "add"


def _as_unicode(entry: object) -> Any:
    # As JSON, whose strings are wherever text can be; pairs of surrogates are one sign by now.
    return json.loads(LONE.sub("\ufffd", json.dumps(entry, ensure_ascii=False)))


def _is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return -MAX_BALANCE <= value <= MAX_BALANCE  # NaN is not
