"""Verification and repair of one account, right while others write to it.

The log is read by score, in small ranges (low, high], each with its count and its sum.
Then one script takes the balance and the count of every range in one instant. Entries
never change, so that an unchanged count is an unchanged sum; a range that did change is
read again, or, being small and busy, is read inside that instant itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from typing import TYPE_CHECKING, TypeAlias

from credits_core import decoding, scripts, validation
from credits_core.command import Call, Command, Reply
from credits_core.errors import BackendError, CreditsError
from credits_core.models import BalanceVerification
from credits_core.plans import Plan, one, together
from credits_core.plans.pages import PAGE, Pages, smaller

if TYPE_CHECKING:
    from collections.abc import Sequence

    from credits_core.keys import KeySpace

GRAIN = 50
"""Entries a range, as it is read: so few that the ranges where clocks of others let them write,
however many places that are, can be carried by a snapshot together."""

MAX_RANGES = 2000
"""Ranges that a snapshot counts at most; neighbours are joined beyond that."""

ROUNDS = 50

# Sums of fractions that another app wrote as doubles are compared with a tolerance.
TOLERANCE = 1e-6

Number: TypeAlias = "int | float"
Bounds: TypeAlias = "tuple[str, str]"
"""Two scores: what lies above the first, up to the second."""


@dataclass(frozen=True, slots=True)
class Range:
    """The entries with low < score <= high (as score bounds): how many, and their sum."""

    low: str
    high: str
    count: int
    total: Number


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One instant: the balance as stored (None: missing), counts, entries of open ranges.

    `members` is None when the open ranges hold too many. `folded` is other after each fold: up
    to where, as a score, and what tells it from others; `""` before the first.
    """

    raw: str | None
    counts: tuple[int, ...]
    members: tuple[str, ...] | None
    folded: str


@dataclass(frozen=True, slots=True)
class Account:
    """A log in ranges whose sums are known, the open rest, and what a snapshot said."""

    known: tuple[Range, ...]
    open: tuple[Bounds, ...]
    raw: str | None
    calculated: Number
    entries: int
    folded: str


EVERYTHING = ("-inf", "+inf")


def verify(keys: KeySpace, user_id: str) -> Plan[BalanceVerification]:
    """Compare the stored balance with the sum of the log, at one instant."""
    user_id = validation.user_id(user_id, braces=keys.braces)
    return _compare((yield from _settle(keys, user_id)))


def rebuild(keys: KeySpace, user_id: str) -> Plan[int]:
    """Set the balance to the sum of the log, while others may write."""
    user_id = validation.user_id(user_id, braces=keys.braces)
    for _ in range(ROUNDS):
        account = yield from _settle(keys, user_id)
        if _compare(account).valid and _plain(account):
            return decoding.spendable(account.raw or "0", user_id)
        repaired = yield from one(_repair(keys, user_id, account))
        if repaired is not None:
            return repaired
    raise _too_busy(user_id)


def _settle(keys: KeySpace, user_id: str) -> Plan[Account]:
    known: list[Range] = []
    open_: list[Bounds] = [EVERYTHING]
    page = PAGE
    folded: str | None = None
    for _ in range(ROUNDS):
        known = _joined(known)
        # The first look may meet a whole log; afterwards only what others just wrote is open.
        room = 2 * page if known else page // 2
        (snapshot,) = yield (_snapshot(keys, user_id, known, open_, 2 * room),)
        if isinstance(snapshot, CreditsError):
            page = smaller(page, snapshot)
            continue
        if folded is not None and snapshot.folded != folded:
            # Below that entries were replaced by a sum: a count there says nothing any more.
            known, open_ = _above(known, open_, snapshot.folded)
            folded = snapshot.folded
            continue
        folded = snapshot.folded
        counted = zip(known, snapshot.counts, strict=False)
        stale = [part for part, count in counted if part.count != count]
        if snapshot.members is not None and not stale:
            return _account(known, open_, snapshot, user_id)
        open_sizes = zip(open_, snapshot.counts[len(known) :], strict=True)
        sizes = [((part.low, part.high), part.count) for part in stale] + list(open_sizes)
        carried, wide = _by_size(sizes, room)
        ranges, rest = yield from _read_all(keys, user_id, wide)
        still = {part.low for part in stale}
        known = [part for part in known if part.low not in still] + ranges
        known.sort(key=lambda part: float(part.low))
        open_ = carried + rest
    raise _too_busy(user_id)


def _account(known: list[Range], open_: list[Bounds], snapshot: Snapshot, user_id: str) -> Account:
    members = snapshot.members or ()
    total = sum(part.total for part in known)
    total += sum(decoding.entry(member, user_id)["amount"] for member in members)
    entries = sum(snapshot.counts)
    return Account(tuple(known), tuple(open_), snapshot.raw, total, entries, snapshot.folded)


def _above(
    known: list[Range], open_: list[Bounds], folded: str
) -> tuple[list[Range], list[Bounds]]:
    """What is known above a fold; all that begins below it is open again, as one range."""
    if not folded:  # the account was deleted, and begun anew
        return [], [EVERYTHING]
    up_to = float(folded.split(maxsplit=1)[0])
    kept = [part for part in known if float(part.low) >= up_to]
    still = [bounds for bounds in open_ if float(bounds[0]) >= up_to]
    lows = [part.low for part in kept] + [low for low, _ in still]
    return kept, [("-inf", min(lows, key=float, default="+inf")), *still]


def _by_size(sizes: list[tuple[Bounds, int]], room: int) -> tuple[list[Bounds], list[Bounds]]:
    """The small ranges, which the next snapshot carries itself, and those that must be read."""
    carried: list[Bounds] = []
    wide: list[Bounds] = []
    for bounds, size in sorted(sizes, key=itemgetter(1)):
        room -= size
        (carried if room >= 0 else wide).append(bounds)
    return carried, wide


def _read_all(
    keys: KeySpace, user_id: str, wide: list[Bounds]
) -> Plan[tuple[list[Range], list[Bounds]]]:
    """Read ranges side by side: what is written meanwhile is still to be read afterwards."""
    ranges: list[Range] = []
    rest: list[Bounds] = []
    for found in (yield from together([_read(keys, user_id, *bounds) for bounds in wide])):
        if isinstance(found, CreditsError):
            raise found
        ranges += found[0]
        rest += found[1]
    return ranges, rest


def _read(
    keys: KeySpace, user_id: str, low: str, high: str
) -> Plan[tuple[list[Range], list[Bounds]]]:
    """The range in small ranges that end between two scores; what is left of it stays open."""
    ranges: list[Range] = []
    pages = Pages(keys, user_id, "oldest", _exclusive(low), high)
    last, count, total = low, 0, 0
    while not pages.done:
        for member, score in (yield from pages.following()):
            # Nothing lies below the lowest score, so that no range ends there.
            if count >= GRAIN and score != last != "-inf":
                ranges.append(Range(low, last, count, total))
                low, count, total = last, 0, 0
            last, count = score, count + 1
            total += decoding.entry(member, user_id)["amount"]
    if count >= GRAIN and last != "-inf":
        ranges.append(Range(low, last, count, total))
        low = last
    return ranges, [] if low == high else [(low, high)]


def _joined(known: Sequence[Range]) -> list[Range]:
    """The same ranges, neighbours joined where there are more than a snapshot counts."""
    if len(known) <= MAX_RANGES:
        return list(known)
    # Down to half of that, which leaves room for small ranges where others write.
    target = 4 * sum(part.count for part in known) // MAX_RANGES
    joined: list[Range] = []
    for part in known:
        last = joined[-1] if joined else None
        if last and last.high == part.low and last.count + part.count <= target:
            total = last.total + part.total
            joined[-1] = Range(last.low, part.high, last.count + part.count, total)
        else:
            joined.append(part)
    return joined


def _exclusive(low: str) -> str:
    return low if low == "-inf" else f"({low}"


def _ranges(known: Sequence[Range], open_: Sequence[Bounds]) -> list[str]:
    bounds = [(part.low, part.high) for part in known] + list(open_)
    return [word for low, high in bounds for word in (_exclusive(low), high)]


def _snapshot(
    keys: KeySpace, user_id: str, known: Sequence[Range], open_: Sequence[Bounds], most: int
) -> Command[Snapshot]:
    args = (str(most), str(len(known)), str(len(open_)), *_ranges(known, open_))
    call = Call(scripts.SNAPSHOT, keys.account(user_id)[:3], args)
    return Command("verify_balance", user_id, call, partial(_decode_snapshot, user_id=user_id))


def _decode_snapshot(reply: Reply, *, user_id: str) -> Snapshot:
    if reply[0] == "long":
        return Snapshot(None, tuple(map(int, reply[2].split())), None, reply[3])
    decoding.accepted(reply, user_id=user_id)
    raw = reply[3] if reply[2] == "set" else None
    return Snapshot(raw, tuple(map(int, reply[4].split())), tuple(reply[6:]), reply[5])


def _repair(keys: KeySpace, user_id: str, account: Account) -> Command[int | None]:
    known = account.known
    args = (
        str(4 * PAGE),
        str(len(known)),
        str(len(account.open)),
        *_ranges(known, account.open),
        *(str(part.count) for part in known),
        _in_two(sum(part.total for part in known)),
        account.folded,
    )
    call = Call(scripts.REPAIR, keys.account(user_id)[:3], args)
    decode = partial(_decode_repair, user_id=user_id)
    return Command("rebuild_balance", user_id, call, decode, writes=True)


def _in_two(total: Number) -> str:
    """A sum as multiples of 2^26 and the rest: a double holds both exactly, and not always it."""
    high = math.floor(total) >> 26
    return f"{high} {total - (high << 26)}"


def _decode_repair(reply: Reply, *, user_id: str) -> int | None:
    if reply[0] == "changed":
        return None
    return decoding.spendable(decoding.accepted(reply, user_id=user_id)[3], user_id)


def _compare(account: Account) -> BalanceVerification:
    calculated = account.calculated
    if account.raw is None:
        # No balance and no log is an account that was never opened.
        cached: Number | None = 0 if account.entries == 0 else None
    else:
        cached = decoding.number(account.raw)
    difference = (cached or 0) - calculated
    whole = isinstance(cached, int) and isinstance(calculated, int)
    valid = cached is not None and abs(difference) <= (0 if whole else TOLERANCE)
    return BalanceVerification(valid, cached, calculated, difference)


def _plain(account: Account) -> bool:
    """Whether a whole balance stands in plain digits, as every write expects it."""
    whole = int(account.calculated)
    return account.raw is None or whole != account.calculated or account.raw == str(whole)


def _too_busy(user_id: str) -> BackendError:
    return BackendError(
        f"the log of {user_id!r} changed faster than it could be read, {ROUNDS} times: try again"
    )
