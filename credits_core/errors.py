"""Every error of the library, in one tree under `CreditsError`.

Each error keeps what it was built from as attributes, so that a handler never
parses a message, and survives pickling (Celery, multiprocessing).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from credits_core.command import Command

__all__ = [
    "AccountStateError",
    "BackendError",
    "BackendUnavailableError",
    "BalanceVerificationError",
    "CreditsError",
    "HoldClosedError",
    "HoldNotFoundError",
    "IdempotencyConflictError",
    "InsufficientCreditsError",
    "InvalidRequestError",
    "LimitExceededError",
    "OutcomeUnknownError",
    "PricingConfigError",
    "RepeatedRequestError",
    "TransactionError",
    "WebhookVerificationError",
]

AccountState = Literal[
    "missing_balance",
    "missing_log",
    "missing_state",
    "wrong_type",
    "not_a_number",
    "fractional",
    "malformed_entry",
]

HoldState = Literal["settled", "released", "expired"]

RepeatState = Literal["running", "mismatch", "not_kept"]


class CreditsError(Exception):
    """Base of every error that this library raises on purpose."""


class InsufficientCreditsError(CreditsError):
    """The account may spend fewer credits than the operation costs; nothing was charged.

    `available` is what it may spend: the balance above its floor, 0 where it is below.
    `missing` is what must be added before it can pay: of an account in debt more than
    `required - available`. An HTTP adapter answers it with 402.

    >>> str(InsufficientCreditsError(300, 90, "alice"))
    "'alice' can spend 90 credits and this costs 300: 210 more are needed"
    >>> debtor = InsufficientCreditsError(10, -50)
    >>> debtor.available, debtor.missing
    (0, 60)
    """

    def __init__(self, required: int, available: int, user_id: str = "") -> None:
        """Say what was asked and what lies above the floor, in credits."""
        super().__init__(required, available, user_id)
        self.required = required
        self.available = max(0, available)
        self.missing = required - available
        self.user_id = user_id
        self.action: str | None = None
        """What was to be paid, where a charge around a piece of work was refused."""

    def __str__(self) -> str:
        who = repr(self.user_id) if self.user_id else "the account"
        credits_ = "1 credit" if self.available == 1 else f"{self.available} credits"
        return f"{who} can spend {credits_} and this costs {self.required}: {self.lacking}"

    @property
    def lacking(self) -> str:
        """How many credits are missing, in words."""
        return f"{self.missing} more {'is' if self.missing == 1 else 'are'} needed"


class LimitExceededError(CreditsError):
    """A rule other than the balance refused the operation; nothing changed.

    `rule` is a stable name: `"max_balance"`, `"frozen"`, `"refundable"`, `"max_holds"`,
    `"max_grants"`, `"max_notes"`, `"max_revocations"`, `"revoked"`. `limit` is the most that the
    rule allows: the largest balance, how many grants or holds there can be, how many credits of a
    charge are left to refund. `reason` is why an account is frozen. Each is None where the rule
    has none.

    >>> from credits_core import Credits
    >>> credits = Credits.from_url("memory://", auto_initialize=True)
    >>> charge = credits.deduct("alice", 10, "image")
    >>> try:
    ...     credits.refund("alice", charge.tx_id, 11)
    ... except LimitExceededError as refusal:
    ...     refusal.rule, refusal.limit
    ('refundable', 10)
    """

    def __init__(
        self, rule: str, message: str, *, limit: int | None = None, reason: str | None = None
    ) -> None:
        """Name the rule that refused, and say in words what to do."""
        super().__init__(rule, message)
        self.rule = rule
        self.limit = limit
        self.reason = reason

    def __str__(self) -> str:
        return str(self.args[1])


class TransactionError(CreditsError):
    """The operation cannot be done as asked; nothing changed.

    `tx_id` is the transaction that was named, or that stands in the way; None where there is none.
    """

    def __init__(self, message: str, *, tx_id: str | None = None) -> None:
        """Say what was wrong; `tx_id` names the transaction concerned, where there is one."""
        super().__init__(message)
        self.tx_id = tx_id


class InvalidRequestError(TransactionError, ValueError):
    """An argument is not of the kind or range that the operation takes; nothing changed.

    It is a `ValueError`, too. The message says what to pass instead.

    >>> from credits_core import Credits
    >>> Credits.from_url("memory://").deduct("alice", 1.5, "chat_message")
    Traceback (most recent call last):
    credits_core.errors.InvalidRequestError: amount is a whole int, not float: 1.5
    """


class IdempotencyConflictError(TransactionError):
    """The idempotency key was used before, for another operation, amount or action.

    Use a new key for a new operation; `tx_id` is the transaction that holds the key, and
    `request` what it was used for: the operation, the amount and the action.
    """

    def __init__(self, message: str, *, tx_id: str | None = None, request: str = "") -> None:
        """Say what the key was used for."""
        super().__init__(message, tx_id=tx_id)
        self.request = request


class HoldNotFoundError(TransactionError):
    """There is no such hold on this account, or it ended more than 30 days ago.

    `tx_id` is the id that was asked for.
    """


class HoldClosedError(TransactionError):
    """The hold has ended, in another way than is asked for; nothing changed.

    `state` says how it ended: `"settled"`, `"released"` or `"expired"`; `kept` is how many
    credits it cost in the end. `tx_id` is the transaction that ended it.
    """

    def __init__(self, message: str, *, tx_id: str, state: HoldState, kept: int) -> None:
        """Say how the hold ended, and what it cost."""
        super().__init__(message, tx_id=tx_id)
        self.state: HoldState = state
        self.kept = kept

    def __reduce__(self) -> tuple[object, ...]:
        # Keyword-only arguments are lost by the default pickling of exceptions.
        return (
            _hold_closed_error,
            (self.args[0], self.tx_id, self.state, self.kept),
            self.__dict__,
        )


def _hold_closed_error(message: str, tx_id: str, state: HoldState, kept: int) -> HoldClosedError:
    return HoldClosedError(message, tx_id=tx_id, state=state, kept=kept)


class AccountStateError(TransactionError):
    """What the store holds for this account is not an account that can be worked on.

    `state` says what is wrong: `"missing_balance"` (a log without a balance),
    `"missing_log"` (a balance whose log is gone), `"missing_state"` (open holds or grants whose
    state is gone), `"wrong_type"` (a key of another
    Redis type), `"not_a_number"`, `"fractional"` (a balance with a fraction, written
    by another app) or `"malformed_entry"` (a log entry that is no transaction).
    """

    def __init__(self, message: str, *, user_id: str, state: AccountState) -> None:
        """Name the account and what is wrong with it."""
        super().__init__(message)
        self.user_id = user_id
        self.state: AccountState = state

    def __reduce__(self) -> tuple[object, ...]:
        # Keyword-only arguments are lost by the default pickling of exceptions.
        return (_account_state_error, (self.args[0], self.user_id, self.state), self.__dict__)


def _account_state_error(message: str, user_id: str, state: AccountState) -> AccountStateError:
    return AccountStateError(message, user_id=user_id, state=state)


class BackendError(CreditsError):
    """The store could not be used as asked: the message says what is wrong with it, or the client.

    Such as a cluster whose URL says `redis://`, a store that evicts balances, a closed client.
    """


class BackendUnavailableError(BackendError):
    """The store did not execute the operation: nothing changed, and it may be tried again.

    >>> from credits_core import Credits
    >>> try:
    ...     Credits.from_url("redis://127.0.0.1:1").get_balance("alice")
    ... except BackendUnavailableError:
    ...     print("a store that nobody reached")
    a store that nobody reached
    """


class OutcomeUnknownError(BackendError):
    """The operation was sent and no answer came: it may or may not have been executed.

    `await credits.resolve(error)` (or `credits.resolve(error)`) asks again and answers
    finally: the receipt, or None when the operation has not happened and never will.
    Calling the operation again without that, and without an idempotency key, can
    charge a second time.
    """

    def __init__(self, message: str, command: Command[Any], deadline_ms: int) -> None:
        """Carry the command, and the server time (ms) after which it cannot execute any more."""
        super().__init__(message, command, deadline_ms)
        self.command = command
        self.deadline_ms = deadline_ms

    @property
    def user_id(self) -> str:
        """The account concerned."""
        return self.command.user_id

    @property
    def tx_id(self) -> str | None:
        """The id that the transaction has if it happened."""
        return self.command.tx_id

    def __str__(self) -> str:
        return str(self.args[0])

    def __repr__(self) -> str:
        # Without the command: its arguments hold the caller's metadata.
        return f"{type(self).__name__}({str(self)!r})"


class BalanceVerificationError(CreditsError):
    """The stored balance is not the sum of the account's log.

    It is not raised: `reconcile(repair=False)` tells it in the `problems` of its report.
    """

    def __init__(self, user_id: str, cached: float | None, calculated: float) -> None:
        """Give the balance as stored (None where there is none) and the sum of the log."""
        super().__init__(user_id, cached, calculated)
        self.user_id = user_id
        self.cached = cached
        self.calculated = calculated

    def __str__(self) -> str:
        return (
            f"the balance of {self.user_id!r} is stored as {self.cached} and its log sums to "
            f"{self.calculated}: repair it with rebuild_balance or `credits reconcile`"
        )


class PricingConfigError(CreditsError):
    """No price fits the request: the action is unknown or its price is not usable.

    `action` is the action, or the place in a price book, such as `"actions.video.rate"`.

    >>> from credits_core import PricingEngine
    >>> try:
    ...     PricingEngine().calculate_cost("nonsense")
    ... except PricingConfigError as error:
    ...     error.action
    'nonsense'
    """

    def __init__(self, action: str, message: str) -> None:
        """Name the action and say what is wrong with its price."""
        super().__init__(action, message)
        self.action = action

    def __str__(self) -> str:
        return str(self.args[1])


class RepeatedRequestError(CreditsError):
    """A request came again with its `Idempotency-Key`, and its first answer cannot be given.

    `state` says why: the first is `"running"` still (for `retry_after` seconds at most, if its
    worker died), the key was used for another request (`"mismatch"`), or the answer was given and
    not kept (`"not_kept"`): it was too large, or its client left it in the middle twice.
    """

    def __init__(self, state: RepeatState, message: str, *, retry_after: int | None = None) -> None:
        """Say why, and in words what to do."""
        super().__init__(state, message)
        self.state = state
        self.retry_after = retry_after

    def __str__(self) -> str:
        return str(self.args[1])


class WebhookVerificationError(CreditsError):
    """A webhook is not signed by whom it should be; nothing of it was looked at.

    The message says what was missing or wrong, and nothing of the secret or the signature.
    """
