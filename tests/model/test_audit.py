"""The auditor notices what is wrong without the ledger: rules are broken, and nobody else looks."""

from __future__ import annotations

import pytest

from credits_core import scripts
from tests.model import audit, clock
from tests.model.account import Account, Entry
from tests.model.stage import in_memory
from tests.mutants.mutation import Mutation, _read

NOTHING_EXPIRES = Mutation(
    "parts/touch", "if fallen then", "if false then", "what falls due is not applied"
)
TOO_MUCH = Mutation(
    "parts/afford", "balance - amount < floor", "balance - amount < floor - 5", "five too many"
)


@pytest.fixture
def stage(request, monkeypatch):
    """A store whose scripts do one thing wrong."""
    wrong = {request.param.file: request.param.apply()}
    monkeypatch.setattr(scripts, "_read", lambda name: wrong.get(name) or _read(name))
    clock.install(monkeypatch)
    stage = in_memory()
    stage.reset()
    yield stage
    stage.close()


def entries(stage):
    return [{**stage.entry(member), "at": at} for member, at in stage.look()["alice"].log]


@pytest.mark.parametrize("stage", [NOTHING_EXPIRES], indirect=True)
@pytest.mark.parametrize("spend", ["deduct", "hold", "extend", "settle", "transfer"])
def test_a_grant_that_is_over_and_pays_is_noticed(stage, spend):
    stage.plain.add("alice", 100, "purchase")
    hold = stage.plain.hold("alice", 5, "work", expires_in=1_000)
    stage.plain.add("alice", 20, "promo", expires_in=60)
    before, known = stage.look()["alice"], len(entries(stage))
    stage.set_clock(stage.now + 60_000)
    {
        "deduct": lambda: stage.plain.deduct("alice", 10, "chat"),
        "hold": lambda: stage.plain.hold("alice", 10, "work"),
        "extend": lambda: stage.plain.extend("alice", hold.id, 10),
        "settle": lambda: stage.plain.settle("alice", hold.id, 10),
        "transfer": lambda: stage.plain.transfer("alice", "bob", 10, idempotency_key="t"),
    }[spend]()
    fresh = entries(stage)[known:]
    assert fresh[0]["amount"] < 0
    with pytest.raises(AssertionError):
        audit.expired_grants_pay_nothing(before, stage.look()["alice"], fresh, stage.now)
    audit.expired_grants_pay_nothing(before, stage.look()["alice"], fresh, stage.now - 60_000)


@pytest.mark.parametrize("stage", [TOO_MUCH], indirect=True)
@pytest.mark.parametrize("spend", ["deduct", "hold", "transfer"])
def test_a_balance_that_was_below_the_floor_for_a_moment_is_noticed(stage, spend):
    stage.plain.add("alice", 10, "purchase")
    {
        "deduct": lambda: stage.plain.deduct("alice", 13, "chat"),
        "hold": lambda: stage.plain.hold("alice", 13, "work"),
        "transfer": lambda: stage.plain.transfer("alice", "bob", 13, idempotency_key="t"),
    }[spend]()
    stage.plain.add("alice", 50, "purchase")
    account = Account("alice")
    for stored in entries(stage):
        spent = stored["amount"] < 0
        entry = Entry(stored["id"], stored["amount"], stored["action"], stored.get("kind", ""))
        account.log.append(entry)
        entry.floor = 0 if spent else None
    with pytest.raises(AssertionError):
        audit.never_below_the_floor(account, entries(stage))
    for entry in account.log:
        entry.floor = -3
    audit.never_below_the_floor(account, entries(stage))
