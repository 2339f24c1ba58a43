"""The lines of a journal: what was served, and which of that is struck out. Pure functions."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class RequestKey(NamedTuple):
    """What a request with an `Idempotency-Key` is known by.

    `key` is of 1 to 255 characters; `fingerprint`, of 1 to 128, is what must be the same when it
    comes again, such as a digest of the body: see `Credits.begin_request`.
    """

    key: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Served:
    """Work that was done and is not paid yet, with what `collect` needs."""

    key: str
    route: str
    user_id: str
    amount: int
    action: str
    metadata: Mapping[str, Any] | None
    served_at: int
    request: RequestKey | None = None


Waiting: TypeAlias = "dict[int, Served | str]"
"""What is not struck out, by the place where it stands; a line that cannot be read is a str."""


def served(entry: Served) -> bytes:
    """The line of work that was done.

    >>> served(Served("k", "/chat", "alice", 5, "chat", None, 1))[:45]
    b'{"key": "k", "route": "/chat", "user_id": "al'
    """
    return _line(_told(entry))


def struck(places: Iterable[int]) -> bytes:
    """The line that strikes out others, by where they begin."""
    return _line({"struck": sorted(places)})


def refused(entry: Served | str, error: str, reason: str, at: int) -> bytes:
    """The line of what was refused for good; of a line that could not be read, its text."""
    kept = entry if isinstance(entry, str) else _told(entry)
    return _line({"error": error, "reason": reason, "refused_at": at, "entry": kept})


def waiting(data: bytes) -> tuple[Waiting, int]:
    """What waits to be collected, and the size of the whole lines.

    What comes behind the last line feed was never finished: nothing was served for it.
    """
    whole = data.rfind(b"\n") + 1
    found: Waiting = {}
    place = 0
    for line in data[:whole].splitlines(keepends=True):
        entry = _read(line)
        if isinstance(entry, list):
            for one in entry:
                found.pop(one, None)
        else:
            found[place] = entry
        place += len(line)
    return found, whole


def _told(entry: Served) -> dict[str, Any]:
    fields = asdict(entry)
    if entry.request is None:
        del fields["request"]
    return fields


def _line(fields: Mapping[str, Any]) -> bytes:
    return json.dumps(fields).encode() + b"\n"


def _read(line: bytes) -> Served | list[int] | str:
    text = line.decode(errors="replace").rstrip("\n")
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        return text
    match fields:
        case {"struck": list(places)}:
            return places
        case {
            "key": str(), "route": str(), "user_id": str(), "amount": int(), "action": str(),
            "metadata": None | dict(), "served_at": int(), **more,
        }:  # fmt: skip
            match more:
                case {"request": [str(key), str(fingerprint)]} if len(more) == 1:
                    return Served(**{**fields, "request": RequestKey(key, fingerprint)})
                case {} if not more:
                    return Served(**fields)
    return text
