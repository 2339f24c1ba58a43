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

SIGN_UP_ACTION = "user_initialized"
"""The action of a sign-up in the log, the same for every SDK."""

Kind = Literal["sign_up", "add", "deduct", "opening"]


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

    `amount` is how many credits moved (never negative); `balance` is the balance at the
    time of the reply. `created` is False only for a sign-up that had been done before;
    `replayed` is True when an earlier call with the same idempotency key did the work.
    """

    tx_id: str
    amount: int
    balance: int
    timestamp: int
    created: bool = True
    replayed: bool = False

    @property
    def time(self) -> datetime:
        """When it was entered in the log."""
        return instant(self.timestamp)


@dataclass(frozen=True, slots=True)
class Transaction:
    """One entry of an account's log.

    `amount` is signed: negative took credits out. It is an int, except in entries with
    fractions that another app wrote.
    """

    id: str
    amount: int | float
    action: str
    metadata: Mapping[str, Any] | None
    timestamp: int
    kind: Kind

    @property
    def time(self) -> datetime:
        """When it was entered in the log."""
        return instant(self.timestamp)


@dataclass(frozen=True, slots=True)
class BalanceVerification:
    """The stored balance beside the sum of the log, both of one instant.

    `cached` is None when there is no balance, or none that is a number. `difference` is
    what is stored minus what the log says.
    """

    valid: bool
    cached: int | float | None
    calculated: int | float
    difference: int | float


@dataclass(frozen=True, slots=True)
class ReconcileReport:
    """What a reconciliation found: `total == verified + fixed + errors`.

    `problems` names the first accounts that stay wrong (at most 100) with the reason.
    """

    total: int = 0
    verified: int = 0
    fixed: int = 0
    errors: int = 0
    problems: tuple[tuple[str, CreditsError], ...] = ()


@dataclass(frozen=True, slots=True)
class AccountExport:
    """The transactions of an account, oldest first, and its balance (None: not readable)."""

    user_id: str
    balance: int | None
    exported_at: int
    transactions: tuple[Transaction, ...] = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """The export as values that `json.dumps` takes."""
        return asdict(self)
