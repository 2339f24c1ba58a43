"""Compact checks of what the ledger keeps true; to be imported is to be registered."""

from tests.mutants.killers import (
    deadlines,
    foreign,
    grants,
    holds,
    limits,
    logs,
    moves,
    requests,
    returns,
    revocations,
    rolling,
    transfers,
    writes,
)

__all__ = [
    "deadlines",
    "foreign",
    "grants",
    "holds",
    "limits",
    "logs",
    "moves",
    "requests",
    "returns",
    "revocations",
    "rolling",
    "transfers",
    "writes",
]
