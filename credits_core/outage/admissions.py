"""Who may be served without a charge, and how much: counted in memory."""

from __future__ import annotations

import secrets
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from credits_core import validation
from credits_core.errors import InvalidRequestError
from credits_core.outage.lines import RequestKey, Served

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Claim(NamedTuple):
    """What an admission lays claim to."""

    route: str
    user_id: str
    amount: int
    key: str
    request: RequestKey | None = None


class Allowances:
    """What is admitted and not collected yet, a route and user; threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._used: Counter[tuple[str, str]] = Counter()
        self._keys: set[tuple[str, str]] = set()
        self._requests: Counter[tuple[str, str, str]] = Counter()

    def take(self, claim: Claim, limit: int) -> bool:
        """Whether this is within the limit; if so it counts."""
        who = (claim.route, claim.user_id)
        with self._lock:
            # One key is one charge: a second service under it would be for nothing.
            if (claim.user_id, claim.key) in self._keys or self._used[who] + claim.amount > limit:
                return False
            self._used[who] += claim.amount
            self._keys.add((claim.user_id, claim.key))
            if claim.request is not None:
                self._requests[(*who, claim.request.key)] += 1
            return True

    def serves(self, route: str, user_id: str, request_key: str) -> bool:
        """Whether something of this request counts."""
        return (route, user_id, request_key) in self._requests

    def reduce(self, claim: Claim, amount: int) -> None:
        """Give back part of it; the claim stands."""
        with self._lock:
            self._lower(claim, amount)

    def give_back(self, claim: Claim) -> None:
        """All of it counts no more."""
        with self._lock:
            self._lower(claim, claim.amount)
            self._keys.discard((claim.user_id, claim.key))
            if claim.request is not None:
                one = (claim.route, claim.user_id, claim.request.key)
                self._requests[one] -= 1
                if self._requests[one] <= 0:
                    del self._requests[one]

    def _lower(self, claim: Claim, amount: int) -> None:
        who = (claim.route, claim.user_id)
        self._used[who] -= amount
        if self._used[who] <= 0:
            del self._used[who]


class Admission:
    """Leave to do one piece of work without a charge. It ends in `serve` or in `void`.

    `key` is the idempotency key under which the work is charged later.
    """

    __slots__ = ("_allowances", "_claim", "_lock", "_open", "_write")

    def __init__(
        self, claim: Claim, allowances: Allowances, write: Callable[[Served], None]
    ) -> None:
        self._claim = claim
        self._allowances = allowances
        self._write = write
        self._lock = threading.Lock()
        self._open = True

    @property
    def key(self) -> str:
        """The idempotency key of the charge that is to come."""
        return self._claim.key

    def serve(self, amount: int, action: str, metadata: Mapping[str, Any] | None = None) -> None:
        """Write down that the work was done: it is on the disk when this returns. Then answer.

        `amount` is 1 to what was admitted; `action` and `metadata` are those of `deduct`. It
        waits for the disk: async code calls it in a thread. Raises `BackendUnavailableError`
        when it cannot be written: then do not answer, for nobody would pay; and
        `InvalidRequestError` when an argument is wrong or the admission has ended.
        """
        entry = Served(
            self._claim.key,
            self._claim.route,
            self._claim.user_id,
            validation.amount(amount),
            validation.action(action),
            validation.plain_metadata(metadata),
            int(time.time() * 1000),
            self._claim.request,
        )
        if amount > self._claim.amount:
            raise InvalidRequestError(
                f"{amount} credits were not admitted, only {self._claim.amount}"
            )
        if not self._end():
            raise InvalidRequestError("this admission has ended: serve each once")
        try:
            self._write(entry)
        except BaseException:
            self._allowances.give_back(self._claim)
            raise
        self._allowances.reduce(self._claim, self._claim.amount - amount)

    def void(self) -> None:
        """The work failed or was paid after all: the allowance comes back, nothing is written.

        After `serve` it does nothing, so that a `finally` may call it.
        """
        if self._end():
            self._allowances.give_back(self._claim)

    def _end(self) -> bool:
        with self._lock:
            ended, self._open = not self._open, False
            return not ended


def new_key() -> str:
    """An idempotency key that nobody guesses."""
    return f"outage_{secrets.token_hex(16)}"
