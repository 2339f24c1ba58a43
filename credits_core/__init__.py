"""Prepaid credits inside your own app, on the Redis you already have.

>>> from credits_core import Credits
>>> credits = Credits.from_url("memory://")
>>> credits.initialize_user("alice", 100).balance
100
>>> credits.deduct("alice", 10, "chat_message").balance
90
"""

from credits_core._version import __version__
from credits_core.async_client import AsyncCredits
from credits_core.charge import (
    Charge,
    Priced,
    adrain,
    charges,
    current_charge,
    drain,
    hold_credits,
    holds,
    require_credits,
    resume_hold,
)
from credits_core.client import Credits
from credits_core.errors import (
    AccountStateError,
    BackendError,
    BackendUnavailableError,
    BalanceVerificationError,
    CreditsError,
    HoldClosedError,
    HoldNotFoundError,
    IdempotencyConflictError,
    InsufficientCreditsError,
    InvalidRequestError,
    LimitExceededError,
    OutcomeUnknownError,
    PricingConfigError,
    RepeatedRequestError,
    TransactionError,
    WebhookVerificationError,
)
from credits_core.history import HistoryPage
from credits_core.models import (
    Account,
    AccountExport,
    BalanceVerification,
    FoldReport,
    Grant,
    Hold,
    Item,
    OpenHold,
    PaymentNote,
    Receipt,
    ReconcileReport,
    RequestRecord,
    Transaction,
)
from credits_core.periods import Period
from credits_core.pricing import (
    FIXED_PRICING,
    PRICING_CONFIG,
    MeteredPrice,
    PriceBook,
    PricingEngine,
)
from credits_core.usage import Tally, Usage, UsageDay

__all__ = [
    "FIXED_PRICING",
    "PRICING_CONFIG",
    "Account",
    "AccountExport",
    "AccountStateError",
    "AsyncCredits",
    "BackendError",
    "BackendUnavailableError",
    "BalanceVerification",
    "BalanceVerificationError",
    "Charge",
    "Credits",
    "CreditsError",
    "FoldReport",
    "Grant",
    "HistoryPage",
    "Hold",
    "HoldClosedError",
    "HoldNotFoundError",
    "IdempotencyConflictError",
    "InsufficientCreditsError",
    "InvalidRequestError",
    "Item",
    "LimitExceededError",
    "MeteredPrice",
    "OpenHold",
    "OutcomeUnknownError",
    "PaymentNote",
    "Period",
    "PriceBook",
    "Priced",
    "PricingConfigError",
    "PricingEngine",
    "Receipt",
    "ReconcileReport",
    "RepeatedRequestError",
    "RequestRecord",
    "Tally",
    "Transaction",
    "TransactionError",
    "Usage",
    "UsageDay",
    "WebhookVerificationError",
    "__version__",
    "adrain",
    "charges",
    "current_charge",
    "drain",
    "hold_credits",
    "holds",
    "require_credits",
    "resume_hold",
]
