"""Where a reconciliation of all accounts broke off."""

from __future__ import annotations

from tests.mutants.mutation import Mutation

MUTATIONS = (
    Mutation(
        "sweep", "return {'ok', stamp, found or ''}", "return {'ok', stamp, ''}", "never goes on"
    ),
    Mutation("sweep", "if ARGV[2] == ''", "if false", "an end that is kept as a place"),
    Mutation("sweep", ", 'EX', ARGV[3]", "", "a place that is kept for ever"),
    Mutation(
        "sweep",
        "if type(found) == 'table' and found.err then",
        "if false then",
        "a key of another type is no error",
    ),
)
