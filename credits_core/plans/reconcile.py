"""Reconciliation: verify many accounts, a group at a time, and repair what drifted."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from credits_core.commands import stored_balance
from credits_core.errors import BackendError, BalanceVerificationError, CreditsError
from credits_core.plans import WIDTH, Plan, one, together
from credits_core.plans.verify import rebuild, verify

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

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
    outcomes = list(zip(users, results, strict=True))
    yield from check_store(keys, outcomes)
    return counted(report, outcomes)


def counted(
    report: ReconcileReport, outcomes: Collection[tuple[str, str | CreditsError]]
) -> ReconcileReport:
    """The report with these accounts, each `"verified"`, `"fixed"` or an error."""
    results = [result for _, result in outcomes]
    failures = [(user, one) for user, one in outcomes if isinstance(one, CreditsError)]
    return replace(
        report,
        total=report.total + len(outcomes),
        verified=report.verified + results.count("verified"),
        fixed=report.fixed + results.count("fixed"),
        errors=report.errors + len(failures),
        problems=(*report.problems, *failures)[:MAX_PROBLEMS],
    )


def check_store(keys: KeySpace, outcomes: Collection[tuple[str, str | CreditsError]]) -> Plan[None]:
    """Raise where the store is away: stop instead of counting every account as an error."""
    user_id = next((user for user, one in outcomes if isinstance(one, BackendError)), None)
    if user_id is None:
        return
    (answer,) = yield (stored_balance(keys, user_id),)
    if isinstance(answer, BackendError):
        raise answer


def _account(keys: KeySpace, user_id: str, *, repair: bool) -> Plan[str]:
    outcome = yield from checked(keys, user_id, repair=repair)
    yield from touched(keys, user_id)
    return outcome


def checked(keys: KeySpace, user_id: str, *, repair: bool) -> Plan[str]:
    """Verify an account and repair it: `"verified"` or `"fixed"`."""
    found = yield from verify(keys, user_id)
    if not found.valid:
        if not repair:
            raise BalanceVerificationError(user_id, found.cached, found.calculated)
        yield from rebuild(keys, user_id)
    return "verified" if found.valid else "fixed"


def touched(keys: KeySpace, user_id: str) -> Plan[None]:
    """Touch an account: holds and grants of users who do not come back fall due here."""
    yield from one(stored_balance(keys, user_id))
