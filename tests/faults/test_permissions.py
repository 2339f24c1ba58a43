"""A server whose access rules forbid a command: nothing moves, or all of it does."""

from __future__ import annotations

import pytest

from credits_core import BackendError, Credits, Receipt
from tests.faults.helpers import read_ledger
from tests.support.servers import Server

COMMANDS = ("hset", "set", "zadd", "unlink", "hmget", "hget", "zscore", "get", "exists", "del")
CALLS = 3


@pytest.fixture(scope="module")
def ruled():
    with Server() as server:
        yield server


def _login(server: Server, *rules: str) -> str:
    server.call("ACL", "SETUSER", "app", "reset", "on", ">secret", "~*", "+@all", *rules)
    return f"redis://app:secret@127.0.0.1:{server.port}/0"


@pytest.mark.parametrize("keyed", [False, True], ids=["plain", "with a key"])
@pytest.mark.parametrize("known", [True, False], ids=["known", "new"])
@pytest.mark.parametrize("forbidden", COMMANDS)
def test_a_forbidden_command_never_charges_twice_or_for_nothing(
    ruled, user, forbidden, known, keyed
):
    key = "job-1" if keyed else None
    with Credits.from_url(_login(ruled)) as credits:
        if known:
            credits.add(user, 100, "opening")
    told = []
    with Credits.from_url(_login(ruled, f"-{forbidden}"), timeout=0.3) as credits:
        for _ in range(CALLS):
            try:
                told.append(credits.add(user, 10, "gift", idempotency_key=key))
            except BackendError:
                continue
    ledger = read_ledger(ruled, user)
    amounts = [entry["amount"] for entry in ledger.entries]
    assert ledger.balance == sum(amounts)
    given = {receipt.tx_id for receipt in told if isinstance(receipt, Receipt)}
    assert len(amounts) - known == len(given) <= (1 if keyed else CALLS)


@pytest.mark.parametrize("forbidden", ["unlink", "hset", "set", "zadd"])
def test_a_forbidden_command_never_takes_twice_for_one_key(ruled, user, forbidden):
    with Credits.from_url(_login(ruled)) as credits:
        credits.initialize_user(user, 100)
    with Credits.from_url(_login(ruled, f"-{forbidden}"), timeout=0.3) as credits:
        receipts = []
        for _ in range(CALLS):
            try:
                receipts.append(credits.deduct(user, 10, "chat", idempotency_key="job-1"))
            except BackendError:
                continue
    ledger = read_ledger(ruled, user)
    assert ledger.balance == 100 - 10 * bool(receipts)
