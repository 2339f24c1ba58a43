"""What the ledger says after a request."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from credits_core import Credits

Log = list[tuple[int, str]]

PAID: Log = [(-10, "fixed")]
GIVEN_BACK: Log = [(-10, "fixed"), (10, "refund")]


def log(credits: Credits, user: str) -> Log:
    """The log after the sign-up, oldest first; the balance is its sum."""
    assert credits.verify_balance(user).valid
    entries = credits.get_transactions(user, limit=1000)[::-1]
    return [(int(entry.amount), entry.action) for entry in entries][1:]


def spent(credits: Credits, user: str) -> int:
    """What the log comes to, without the sign-up; nothing is on hold."""
    assert credits.get_account(user).held == 0
    return -sum(amount for amount, _ in log(credits, user))


def wait_for_quiet(credits: Credits, user: str, still: float = 0.4) -> None:
    """Return once nothing is on hold, and nothing has moved for a while."""
    seen, since = None, 0.0

    def quiet() -> bool:
        nonlocal seen, since
        account = credits.get_account(user)
        look = (account.held, account.balance, log(credits, user))
        if look != seen:
            seen, since = look, time.monotonic()
        return account.held == 0 and time.monotonic() - since > still

    wait_for(quiet)


def wait_for(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Return once it has come about."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.01)
