"""Compact checks of what the ledger keeps true; to be imported is to be registered."""

from tests.mutants.killers import (
    collections,
    deadlines,
    foreign,
    grants,
    holds,
    limits,
    logs,
    moves,
    payments,
    requests,
    returns,
    revocations,
    rolling,
    sweeps,
    transfers,
    writes,
)

__all__ = [
    "collections",
    "deadlines",
    "foreign",
    "grants",
    "holds",
    "limits",
    "logs",
    "moves",
    "payments",
    "requests",
    "returns",
    "revocations",
    "rolling",
    "sweeps",
    "transfers",
    "writes",
]
