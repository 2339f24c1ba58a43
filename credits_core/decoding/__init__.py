"""What replies mean: statuses become results or the typed errors of refusals."""

from credits_core.decoding.accounts import account, available, balance, deleted
from credits_core.decoding.holds import extended, extension, hold, settled
from credits_core.decoding.log import entry, page, transaction
from credits_core.decoding.payments import noted
from credits_core.decoding.receipts import (
    Unfound,
    charge,
    receipt,
    receipts,
    renewed,
    returned,
    waived,
)
from credits_core.decoding.refusals import accepted, instant, number, refuse, spendable
from credits_core.decoding.requests import begun, ended
from credits_core.decoding.transfers import Sent, cancelled, outbox, recalled, sent

__all__ = [
    "Sent",
    "Unfound",
    "accepted",
    "account",
    "available",
    "balance",
    "begun",
    "cancelled",
    "charge",
    "deleted",
    "ended",
    "entry",
    "extended",
    "extension",
    "hold",
    "instant",
    "noted",
    "number",
    "outbox",
    "page",
    "recalled",
    "receipt",
    "receipts",
    "refuse",
    "renewed",
    "returned",
    "sent",
    "settled",
    "spendable",
    "transaction",
    "waived",
]
