"""Limits that are seldom met."""

from __future__ import annotations

from tests.mutants.mutation import Mutation

_ROOM = "if balance + amount > MAX_BALANCE then"

MUTATIONS = (
    Mutation(
        "settle",
        "if math.abs(balance - more) > MAX_BALANCE then",
        "if false then",
        "what is released passes the largest balance",
    ),
    Mutation("recall", _ROOM, "if false then", "what comes back passes the largest balance"),
    Mutation("refund", _ROOM, "if false then", "a refund passes the largest balance"),
    Mutation("renew", _ROOM, "if false then", "an allowance passes the largest balance"),
    Mutation("renew", "if sizes[4] >= 1000 then", "if false then", "allowances without end"),
    Mutation(
        "receive",
        "if sizes[4] + (#ARGV - 6) / 2 > 1000 then",
        "if false then",
        "grants arrive without end",
    ),
    Mutation("renew", "if tonumber(ARGV[11]) <= now then", "if false then", "a past is granted"),
    Mutation(
        "parts/claims",
        "return math.max(0, there)",
        "return there",
        "a revocation pays a debt",
    ),
    Mutation("fold", "math.abs(total) > MAX_BALANCE", "false", "a checkpoint has no bounds"),
    Mutation("fold", "if amount ~= math.floor(amount) then", "if false then", "halves are folded"),
    Mutation(
        "fold", "if signed and not initialized then", "if false then", "a fold leaves no mark"
    ),
    Mutation(
        "parts/find",
        "redis.call('ZSCORE', KEYS[2], exact) and read(exact) or nil",
        "read(exact)",
        "what is in the log no more is refunded",
    ),
    Mutation("parts/find", "or entry.id ~= id", "", "another entry is taken for the charge"),
)
