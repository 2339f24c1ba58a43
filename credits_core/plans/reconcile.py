"""Reconciliation: verify many accounts, a group at a time, and repair what drifted."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from credits_core.commands import stored_balance
from credits_core.errors import BackendError, BalanceVerificationError, CreditsError
from credits_core.plans import WIDTH, Plan, one, together
from credits_core.plans.verify import rebuild, verify

if TYPE_CHECKING:
    from collections.abc import Sequence

    from credits_core.keys import KeySpace
    from credits_core.models import ReconcileReport

GROUP = WIDTH
"""Accounts whose batches travel together."""

MAX_PROBLEMS = 100


def reconcile_group(
    keys: KeySpace, users: Sequence[str], report: ReconcileReport, *, repair: bool
) -> Plan[ReconcileReport]:
    """Reconcile up to `GROUP` users and add what was found to `report`."""
    results = yield from together([_account(keys, user, repair=repair) for user in users])
    failures = [
        (user, result)
        for user, result in zip(users, results, strict=True)
        if isinstance(result, CreditsError)
    ]
    unread = next((user for user, error in failures if isinstance(error, BackendError)), None)
    if unread is not None:
        yield from _check_store(keys, unread)
    return replace(
        report,
        total=report.total + len(users),
        verified=report.verified + results.count("verified"),
        fixed=report.fixed + results.count("fixed"),
        errors=report.errors + len(failures),
        problems=(*report.problems, *failures)[:MAX_PROBLEMS],
    )


def _check_store(keys: KeySpace, user_id: str) -> Plan[None]:
    """Raise where the store is away: stop instead of counting every account as an error."""
    (answer,) = yield (stored_balance(keys, user_id),)
    if isinstance(answer, BackendError):
        raise answer


def _account(keys: KeySpace, user_id: str, *, repair: bool) -> Plan[str]:
    found = yield from verify(keys, user_id)
    if not found.valid:
        if not repair:
            raise BalanceVerificationError(user_id, found.cached, found.calculated)
        yield from rebuild(keys, user_id)
    # A touch: holds and grants of users who do not come back fall due here.
    yield from one(stored_balance(keys, user_id))
    return "verified" if found.valid else "fixed"
