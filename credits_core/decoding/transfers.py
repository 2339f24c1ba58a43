"""The halves of transfers and merges."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from credits_core.decoding.refusals import accepted, instant, refuse, spendable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from credits_core.command import Reply

# A grant and its credits among those that paid: priority and expiry, then the amount.
_SOURCE = re.compile(r"(\d+ \d+ )[^ =]+=(\d+)", re.ASCII)


class Sent(NamedTuple):
    """What left an account for another: the credits, and those of them that came from grants.

    `end` is how it ended, as far as is known: `"received"`, `"returned"` or `""`. `record` is
    all that the sender keeps of it.
    """

    tx_id: str
    amount: int
    balance: int
    request: str = ""
    sources: str = ""
    timestamp: int = 0
    end: str = ""
    record: str = ""

    def grants(self, tx_id: str) -> Iterator[str]:
        """The grants that it becomes on the other side, as names and credits in turn."""
        sums: dict[str, int] = {}
        for source in _SOURCE.findall(self.sources):
            name = f"{source[0]}{tx_id}"
            sums[name] = sums.get(name, 0) + int(source[1])
        for name, amount in sums.items():
            yield name
            yield str(amount)


def sent(reply: Reply, *, user_id: str, amount: int) -> Sent:
    """What left an account, now or at an earlier call with the same key."""
    if reply[0] == "nothing":
        return Sent("", 0, spendable(reply[2], user_id))
    if reply[0] in ("ok", "replayed"):
        return _sent(reply[3], spendable(reply[2], user_id))
    return refuse(reply, user_id=user_id, amount=amount)


def _sent(text: str, balance: int) -> Sent:
    request, first, sources, *end = text.split("\n")
    tx_id, at, amount = first.split(" ")
    return Sent(
        tx_id, int(amount), balance, request, sources, instant(at), "".join(end), record=text
    )


def outbox(reply: Reply, *, user_id: str) -> tuple[int, Sent | None]:
    """The last of the numbered records, and its number."""
    accepted(reply, user_id=user_id)
    return int(reply[2]), _sent(reply[3], 0) if reply[3] else None


def cancelled(reply: Reply, *, user_id: str) -> bool:
    """Whether it will never happen."""
    return reply[0] != "replayed" and bool(accepted(reply, user_id=user_id))


def recalled(reply: Reply, *, user_id: str) -> bool:
    """Whether it was given back now, and not before."""
    return reply[0] != "replayed" and bool(accepted(reply, user_id=user_id))
