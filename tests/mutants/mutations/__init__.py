"""What is done wrong, one thing at a time."""

from __future__ import annotations

from tests.mutants.mutations import (
    accounts,
    claims,
    grants,
    holds,
    later,
    limits,
    logs,
    moves,
    payments,
    requests,
    returns,
    sweeps,
    writes,
)

MUTATIONS = (
    *moves.MUTATIONS,
    *accounts.MUTATIONS,
    *grants.MUTATIONS,
    *holds.MUTATIONS,
    *returns.MUTATIONS,
    *claims.MUTATIONS,
    *requests.MUTATIONS,
    *payments.MUTATIONS,
    *logs.MUTATIONS,
    *later.MUTATIONS,
    *limits.MUTATIONS,
    *sweeps.MUTATIONS,
    *writes.MUTATIONS,
)
