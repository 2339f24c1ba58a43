"""Commands that hold balances against their logs: verify, reconcile."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from credits_core.cli.failures import REFUSED, Stopped
from credits_core.cli.output import clean, emit_json, error_fields, json_option, progress
from credits_core.cli.store import Store, pass_store, store_options
from credits_core.models import ReconcileReport

if TYPE_CHECKING:
    from collections.abc import Callable

    from credits_core.models import BalanceVerification


@click.command(short_help="Compare a balance with the sum of its log.")
@click.argument("user")
@json_option
@store_options(hidden=True)
@pass_store
def verify(store: Store, user: str, as_json: bool) -> None:
    """Compare the balance of USER with the sum of the log; exit code 1 if they differ.

    It changes nothing, and is right while others write.
    """
    with store.client() as credits_:
        found = credits_.verify_balance(user)
    if as_json:
        emit_json({"user_id": user, **asdict(found)})
    else:
        click.echo(_verdict(clean(user), found))
    if not found.valid:
        click.get_current_context().exit(REFUSED)


def _verdict(user: str, found: BalanceVerification) -> str:
    if found.valid:
        return f"{user} is right: the balance and the log both say {found.calculated}."
    stored = "missing or no number" if found.cached is None else f"stored as {found.cached}"
    return (
        f"{user} has drifted: the balance is {stored}, the log sums to {found.calculated} "
        f"(difference {found.difference:+}). `credits reconcile {user}` repairs it."
    )


@click.command(short_help="Verify many accounts, repair what drifted.")
@click.argument("users", nargs=-1)
@click.option("--no-repair", is_flag=True, help="Repair no drift; it counts as wrong.")
@json_option
@store_options(hidden=True)
@pass_store
def reconcile(store: Store, users: tuple[str, ...], no_repair: bool, as_json: bool) -> None:
    """Verify USERS, by default all, and set what drifted to the sum of its log.

    Exit code 1 if something stays wrong.
    """
    started = time.monotonic()
    latest = ReconcileReport()
    with store.client() as credits_:
        chosen = list(dict.fromkeys(users)) or list(credits_.users())
        with progress(len(chosen), "Verifying") as step:
            report = _following(step)

            def follow(so_far: ReconcileReport) -> None:
                nonlocal latest
                report(so_far.total - latest.total)
                latest = so_far

            try:
                latest = credits_.reconcile(chosen, not no_repair, on_progress=follow)
            except KeyboardInterrupt:
                raise Stopped(f"stopped: {_counts(latest)}, of {len(chosen)} accounts") from None
    _print(latest, time.monotonic() - started, as_json)
    if latest.errors:
        click.get_current_context().exit(REFUSED)


def _following(step: Callable[[int], None] | None) -> Callable[[int], None]:
    return step or (lambda _: None)


def _counts(report: ReconcileReport) -> str:
    return f"{report.verified} right, {report.fixed} repaired, {report.errors} wrong"


def _print(report: ReconcileReport, seconds: float, as_json: bool) -> None:
    if as_json:
        emit_json(
            {
                "total": report.total,
                "verified": report.verified,
                "fixed": report.fixed,
                "errors": report.errors,
                "duration_ms": round(seconds * 1000),
                "problems": [
                    {"user_id": user, **error_fields(error)} for user, error in report.problems
                ],
            }
        )
        return
    accounts = "1 account" if report.total == 1 else f"{report.total} accounts"
    click.echo(f"{accounts} in {seconds:.1f} s: {_counts(report)}.")
    for user, error in report.problems:
        click.echo(f"{clean(user)}: {clean(str(error))}")
    if report.errors > len(report.problems):
        click.echo(f"... and {report.errors - len(report.problems)} more")
