"""What the operations return: frozen, typed values.

Credits are whole numbers. Instants are milliseconds since the epoch by the
server's clock; `.time` gives the same instant as an aware datetime.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from credits_core.errors import CreditsError

MAX_AMOUNT = 10**15
"""The largest amount of one operation, in credits."""

MAX_BALANCE = 2**53 - 1
"""The largest balance, either way: what a double holds exactly, in Lua and in JavaScript."""

MAX_PRIORITY = 1000
"""The priority of a grant is from minus this to this; lower is spent first."""

SIGN_UP_ACTION = "user_initialized"
"""The action of a sign-up in the log, the same for every SDK."""

Kind = Literal[
    "sign_up",
    "add",
    "deduct",
    "opening",
    "hold",
    "extend",
    "settle",
    "release",
    "expire",
    "refund",
    "revoke",
    "waive",
    "grant",
    "allowance",
    "transfer",
    "merge",
    "checkpoint",
]
"""What an entry of the log is. `grant` is an addition that expires."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

MILLISECOND = timedelta(milliseconds=1)

FIRST_MS = (datetime.min.replace(tzinfo=UTC) - EPOCH) // MILLISECOND
LAST_MS = (datetime.max.replace(tzinfo=UTC) - EPOCH) // MILLISECOND


def instant(timestamp_ms: int) -> datetime:
    """Milliseconds since the epoch as an aware datetime in UTC."""
    return EPOCH + timestamp_ms * MILLISECOND


@dataclass(frozen=True, slots=True)
class Receipt:
    """What an operation did.

    `tx_id` names the entry of the log. `amount` is how many credits moved (never negative);
    `balance` is the balance at the time of the reply, `timestamp` when it was entered, in ms
    since the epoch. `created` is False where there was nothing to do: a sign-up that had been
    done before, an allowance of a period that is past, a merge of an empty account, a collection
    from one.
    `replayed` is True when an earlier call did the work: one with the same idempotency key,
    or, of what happens only once anyway, the same settle, release, full refund, full revocation
    or allowance. `claimed` is what a revocation found on hold: it is taken as far as the holds
    give it back.

    >>> from credits_core import Credits
    >>> credits = Credits.from_url("memory://", auto_initialize=True)
    >>> receipt = credits.deduct("alice", 10, "chat_message", idempotency_key="msg-1")
    >>> receipt.amount, receipt.balance, receipt.replayed
    (10, 90, False)
    """

    tx_id: str
    amount: int
    balance: int
    timestamp: int
    created: bool = True
    replayed: bool = False
    claimed: int = 0

    @property
    def time(self) -> datetime:
        """When it was entered in the log."""
        return instant(self.timestamp)


RequestState = Literal["begun", "running", "answered", "mismatch"]


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """What is known of a request that carries an idempotency key of its client.

    `state` says what to do: `"begun"`, the work is yours; `"running"`, another worker has it;
    `"answered"`, its `answer` is there; `"mismatch"`, the key was used for another request.
    `begin_request` answers it, and has the example.
    """

    state: RequestState
    owner: str
    """Who asked: with it a worker that has begun renews, finishes or abandons the request."""
    token: str | None = None
    """Of a request that is begun, the id to charge under. Whoever takes it over gets the same."""
    again: bool = False
    """Whether it was taken over from a worker that did not finish within its lease."""
    answer: str | None = field(default=None, repr=False)
    """The answer that was stored."""
    lease_left: int | None = None
    """Of a request that is running, for how many ms its worker still has it."""


@dataclass(frozen=True, slots=True)
class PaymentNote:
    """Something that was told of a payment: a `name`, and what was told under it first.

    `note_payment` answers all that there are of a payment.
    """

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Transaction:
    """One entry of an account's log.

    `amount` is signed: negative took credits out. It is an int, except in entries with
    fractions that another app wrote. `timestamp` is ms since the epoch. `action` is what the
    caller named, `kind` which operation it was, such as `"deduct"`.

    >>> from credits_core import Credits
    >>> credits = Credits.from_url("memory://", auto_initialize=True)
    >>> _ = credits.deduct("alice", 10, "chat_message", {"model": "small"})
    >>> entry = credits.get_transactions("alice", limit=1)[0]
    >>> entry.amount, entry.kind, entry.action, entry.metadata
    (-10, 'deduct', 'chat_message', {'model': 'small'})
    """

    id: str
    amount: int | float
    action: str
    metadata: Mapping[str, Any] | None
    timestamp: int
    kind: Kind
    hold_id: str | None = None
    """The hold that it made, extended or ended."""
    grant_id: str | None = None
    """The grant that it made or that expired: the id of the addition."""
    refers_to: str | None = None
    """The charge that it gives back, or the addition that it takes back."""
    expires_at: int | None = None
    """When what it made expires (ms)."""
    other_user: str | None = None
    """The account that a transfer or a merge went to, or came from."""
    allowance: str | None = None
    """The name of the allowance that it granted."""
    period: int | None = None
    """When the period of that allowance began (ms)."""
    kept: int | None = None
    """What a settled hold cost in the end."""
    payment: str | None = None
    """The idempotency key by which a revocation named its addition."""

    @property
    def time(self) -> datetime:
        """When it was entered in the log."""
        return instant(self.timestamp)


@dataclass(frozen=True, slots=True)
class Hold:
    """Credits set aside: out of the balance, and back in it at `expires_at` if nobody settles.

    `expires_at` is ms since the epoch, `id` what `extend`, `settle` and `release` take. `amount`
    is all that is held, `balance` the balance at the time of the reply. `replayed` is True when
    an earlier call with the same idempotency key made it; then `amount` and `expires_at` are
    those of that call.
    """

    id: str
    user_id: str
    amount: int
    expires_at: int
    balance: int
    replayed: bool = False

    @property
    def expires(self) -> datetime:
        """When it expires."""
        return instant(self.expires_at)


@dataclass(frozen=True, slots=True)
class OpenHold:
    """A hold as `get_account` lists it: its credits, back at `expires_at` (ms since the epoch).

    `claimed` is how much of it comes from an addition that was revoked since: what the hold gives
    back of that is taken at once.
    """

    id: str
    amount: int
    action: str
    expires_at: int
    claimed: int = 0

    @property
    def expires(self) -> datetime:
        """When it expires."""
        return instant(self.expires_at)


@dataclass(frozen=True, slots=True)
class Grant:
    """Credits that expire, as `get_account` lists them: `remaining` of an addition.

    Those of lower `priority` (-1000 to 1000) are spent first, then what expires first.
    `expires_at` is ms since the epoch. It is None for an allowance that rolls over up to a cap:
    what is above the cap goes when the next period begins. The `id` is that of the addition, and
    of such an allowance one for all its periods.
    """

    id: str
    remaining: int
    priority: int
    expires_at: int | None

    @property
    def expires(self) -> datetime | None:
        """When what remains expires."""
        return None if self.expires_at is None else instant(self.expires_at)


@dataclass(frozen=True, slots=True)
class Account:
    """An account at one instant, with all that fell due applied.

    `balance` is what is there, `held` what open holds have set aside from it before, both in
    credits; a balance below zero is owed. `floor` is the lowest balance that spending may leave.
    `grants` stand in the order in which they are spent, `holds` in the order in which they
    expire. While `frozen`, nothing is spent; `frozen_reason` is what `freeze` was told.
    """

    user_id: str
    balance: int
    floor: int
    frozen: bool
    frozen_reason: str
    grants: tuple[Grant, ...]
    holds: tuple[OpenHold, ...]

    @property
    def available(self) -> int:
        """What can be spent now: 0 or more."""
        return 0 if self.frozen else max(0, self.balance - self.floor)

    @property
    def held(self) -> int:
        """The credits of all open holds."""
        return sum(hold.amount for hold in self.holds)

    @property
    def claimed(self) -> int:
        """What of that comes from additions that were revoked since."""
        return sum(hold.claimed for hold in self.holds)

    @property
    def next_expiry(self) -> Grant | None:
        """The grant that expires next, or None. Its `expires_at` and `expires` are never None."""
        expiring = [grant for grant in self.grants if grant.expires_at is not None]
        return min(expiring, key=lambda grant: grant.expires_at or 0, default=None)


@dataclass(frozen=True, slots=True)
class Item:
    """One of many charges or additions, with the arguments of `deduct` and `add`.

    It is checked when it is charged or added.

    >>> from credits_core import Credits
    >>> credits = Credits.from_url("memory://", auto_initialize=True)
    >>> [done] = credits.deduct_many([Item("alice", 10, "image", {"size": "large"})])
    >>> done.balance
    90
    """

    user_id: str
    amount: int
    action: str
    metadata: Mapping[str, Any] | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class FoldReport:
    """What a fold did: how many entries it replaced by a checkpoint, and up to when.

    `up_to` is ms since the epoch, None where it folded nothing.
    """

    user_id: str
    folded: int
    up_to: int | None

    @property
    def time(self) -> datetime | None:
        """Up to when it folded; None where it folded nothing."""
        return None if self.up_to is None else instant(self.up_to)


@dataclass(frozen=True, slots=True)
class BalanceVerification:
    """The stored balance beside the sum of the log, both of one instant.

    `cached` is what is stored: None when there is no balance, or none that is a number.
    `calculated` is what the log says, `difference` the first minus the second; `valid` says that
    there is none. All are credits.
    """

    valid: bool
    cached: int | float | None
    calculated: int | float
    difference: int | float


@dataclass(frozen=True, slots=True)
class ReconcileReport:
    """What a reconciliation found: `total == verified + fixed + errors`, in accounts.

    `problems` names the first accounts that stay wrong (at most 100) with the reason. `cursor` is
    where `reconcile_within` broke off; None when all were looked at.
    """

    total: int = 0
    verified: int = 0
    fixed: int = 0
    errors: int = 0
    problems: tuple[tuple[str, CreditsError], ...] = ()
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class AccountExport:
    """All that is stored of an account: its log, oldest first, and how it stands.

    `account` has the floor, a freeze, the live grants and the open holds. It is None, and so
    is `balance`, where what is stored could not be read. `exported_at` is ms since the epoch.
    """

    user_id: str
    balance: int | None
    exported_at: int
    transactions: tuple[Transaction, ...] = field(repr=False)
    account: Account | None = None

    def to_dict(self) -> dict[str, Any]:
        """The export as values that `json.dumps` takes."""
        return asdict(self)
