"""Operations as values: pure functions that turn checked arguments into commands."""

from credits_core.commands.accounts import account, balance, delete, settings, stored_balance
from credits_core.commands.allowances import renew
from credits_core.commands.holds import extend, hold, settle
from credits_core.commands.log import bounds, log_page
from credits_core.commands.moves import SignUp, add, batch, collect, deduct, initialize
from credits_core.commands.payments import note_payment
from credits_core.commands.requests import abandon_request, begin_request, finish_request
from credits_core.commands.returns import Unfound, refund, revoke, waive
from credits_core.commands.sweeps import keep_sweep_place, sweep_place
from credits_core.commands.transfers import Sent, cancel, confirm, outbox, recall, receive, send

__all__ = [
    "Sent",
    "SignUp",
    "Unfound",
    "abandon_request",
    "account",
    "add",
    "balance",
    "batch",
    "begin_request",
    "bounds",
    "cancel",
    "collect",
    "confirm",
    "deduct",
    "delete",
    "extend",
    "finish_request",
    "hold",
    "initialize",
    "keep_sweep_place",
    "log_page",
    "note_payment",
    "outbox",
    "recall",
    "receive",
    "refund",
    "renew",
    "revoke",
    "send",
    "settings",
    "settle",
    "stored_balance",
    "sweep_place",
    "waive",
]
