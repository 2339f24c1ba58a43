"""Where folded entries go before they leave the log: an archive, written first.

`JsonLinesArchive` is a file, `SqlArchive` a table; anything with their `write` will do.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from credits_core import decoding
from credits_core.archives.jsonl import JsonLinesArchive

if TYPE_CHECKING:
    from collections.abc import Sequence

    from credits_core.archives.sql import SqlArchive
    from credits_core.models import Transaction

__all__ = ["Archive", "ArchivedEntry", "JsonLinesArchive", "SqlArchive"]


@dataclass(frozen=True, slots=True)
class ArchivedEntry:
    """An entry of a log, as it stands there: its bytes and its score."""

    user_id: str
    score: str
    member: str

    @property
    def transaction(self) -> Transaction:
        """The entry as `get_transactions` answers it."""
        return decoding.transaction(self.member, self.score, self.user_id)

    def to_dict(self) -> dict[str, Any]:
        """The user, the score and the fields of the entry, as values that `json.dumps` takes."""
        return {"user_id": self.user_id, "score": self.score, "entry": json.loads(self.member)}


class Archive(Protocol):
    """Keeps what is folded.

    `write` returns only when the entries are kept for good, as they are removed from the log
    next. After a crash the same entries come again, those of the last call: each is kept once.
    """

    def write(self, entries: Sequence[ArchivedEntry], /) -> None: ...  # noqa: D102 - said above


def __getattr__(name: str) -> object:
    # SQLAlchemy is loaded by those who use it.
    if name == "SqlArchive":
        from credits_core.archives.sql import SqlArchive  # noqa: PLC0415 - see above

        return SqlArchive
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
