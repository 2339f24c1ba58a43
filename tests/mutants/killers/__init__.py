"""Compact checks of what the ledger keeps true; to be imported is to be registered."""

from tests.mutants.killers import deadlines, grants, holds, logs, moves, returns

__all__ = ["deadlines", "grants", "holds", "logs", "moves", "returns"]
