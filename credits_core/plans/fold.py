"""Folding: old entries, once archived, give way to a checkpoint that carries their sum.

A chunk at a time: read it, let it be archived, fold it. The script is told the very entries, so
that nothing goes that was not archived; after a crash anywhere the same chunk is read again.
"""

from __future__ import annotations

import os
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any

from credits_core import commands, decoding, scripts, validation
from credits_core.archives import ArchivedEntry
from credits_core.command import Call, Command, Reply
from credits_core.commands.moves import SignUp
from credits_core.entries import LONE
from credits_core.errors import AccountStateError, BackendError, OutcomeUnknownError
from credits_core.models import FoldReport
from credits_core.plans import Plan, one
from credits_core.plans.pages import PAGE, Pages

if TYPE_CHECKING:
    from credits_core.keys import KeySpace

MOST_BYTES = 250_000
"""What a chunk may hold, beyond one entry: the script reads all of it in one go."""

ROUNDS = 50
"""How often what was just read may be gone before the fold gives up."""


class Folding:
    """The fold of one account, up to an instant (ms)."""

    def __init__(self, keys: KeySpace, user_id: str, up_to: int) -> None:
        """Begin at the oldest entry."""
        self._keys = keys
        self._user_id = validation.user_id(user_id, braces=keys.braces)
        self._up_to = str(up_to)
        self._pages: Pages | None = None
        self._ahead: deque[tuple[str, str]] = deque()  # read, and not yet in a chunk
        self._open: frozenset[str] = frozenset()
        self._chunk: tuple[ArchivedEntry, ...] = ()
        self._checkpoints: tuple[str, ...] = ()
        self._folded = 0
        self._last: int | None = None
        self._changes = 0

    @property
    def done(self) -> bool:
        """Whether nothing is left to fold."""
        return self._pages is not None and self._pages.done and not self._ahead

    @property
    def report(self) -> FoldReport:
        """What has been folded so far."""
        return FoldReport(self._user_id, self._folded, self._last)

    def read(self) -> Plan[tuple[ArchivedEntry, ...]]:
        """The next entries to archive; none where there is nothing to fold."""
        if self._pages is None:
            # It signs nobody up: who folds is not who uses the account.
            look = commands.account(self._keys, self._user_id, sign_up=SignUp(), now_ms=0)
            account = yield from one(look)
            self._open = frozenset(hold.id for hold in account.holds)
            self._pages = Pages(self._keys, self._user_id, "oldest", "-inf", self._up_to)
        if not self._ahead and not self._pages.done:
            self._ahead.extend((yield from self._pages.following(PAGE)))
        self._chunk, self._checkpoints = self._cut()
        return self._chunk

    def fold(self) -> Plan[None]:
        """Fold what was read, once it is archived."""
        if not self._chunk:
            return
        command = self._command()
        try:
            score = yield from one(command)
        except OutcomeUnknownError:  # the script tells a call that it has seen
            score = yield from one(command)
        if score is None:
            self._begin_again()
            return
        self._changes = 0
        self._folded += len(self._chunk)
        self._last = decoding.instant(score)

    def _begin_again(self) -> None:
        self._changes += 1
        if self._changes > ROUNDS:
            raise BackendError(
                f"the old entries of {self._user_id!r} were gone when they were to be folded, "
                f"{ROUNDS} times: somebody else folds or removes them"
            )
        self._pages = None
        self._ahead.clear()

    def _cut(self) -> tuple[tuple[ArchivedEntry, ...], tuple[str, ...]]:
        """A chunk of what has been read: entries to archive, and checkpoints among them."""
        entries: list[ArchivedEntry] = []
        checkpoints: list[str] = []
        room = MOST_BYTES
        while self._ahead and (room >= len(self._ahead[0][0]) or not entries):
            if len(entries) == PAGE:
                break
            member, score = self._ahead.popleft()
            room -= len(member)
            kind = self._kind(member)
            if kind == "checkpoint":
                checkpoints.append(member)
            elif kind == "entry":
                entries.append(ArchivedEntry(self._user_id, score, member))
        return tuple(entries), tuple(checkpoints)

    def _kind(self, member: str) -> str:
        """What a member is to a fold: an entry, a checkpoint, or what stays as it is."""
        entry = decoding.entry(member, self._user_id)
        if entry["amount"] != int(entry["amount"]):
            raise AccountStateError(
                f"account {self._user_id!r} has an entry of {entry['amount']} credits "
                f"({str(entry.get('id'))[:80]!r}): fractions are not added up exactly, so that "
                f"its log cannot be folded from there on",
                user_id=self._user_id,
                state="fractional",
            )
        kind = entry.get("kind")
        if kind == "checkpoint" and _is_ours(entry):
            return "checkpoint"
        hold = entry.get("hold") or (kind == "hold" and entry.get("id"))
        if isinstance(hold, str) and hold in self._open:
            return "stays"
        # Bytes that are no text cannot be named to the script.
        return "stays" if LONE.search(member) else "entry"

    def _command(self) -> Command[str | None]:
        members = (entry.member for entry in self._chunk)
        args = (os.urandom(8).hex(), *self._checkpoints, *members)
        return Command(
            "fold",
            self._user_id,
            Call(scripts.FOLD, self._keys.account(self._user_id), args),
            partial(_decode, user_id=self._user_id),
            timed=True,
            writes=True,
            witnessed=True,
        )


def _decode(reply: Reply, *, user_id: str) -> str | None:
    if reply[0] == "changed":
        return None
    return str(decoding.accepted(reply, user_id=user_id)[2])


def _is_ours(checkpoint: dict[str, Any]) -> bool:
    """As script fold knows its own: other apps may write any field."""
    count = checkpoint.get("entries")
    own = str(checkpoint.get("id")).startswith("checkpoint_")
    return own and isinstance(count, int) and not isinstance(count, bool) and count >= 1
