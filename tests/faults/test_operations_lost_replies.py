"""Every operation with an answer that does not come: one effect, and the truth told."""

from __future__ import annotations

import pytest

from credits_core import (
    CreditsError,
    InvalidRequestError,
    OutcomeUnknownError,
    Receipt,
    scripts,
)
from credits_core.backends.upstash import upstash_script
from credits_core.models import MAX_BALANCE
from tests.faults.helpers import attempt, read_ledger
from tests.faults.operations import OPERATIONS, look, other

pytestmark = pytest.mark.long

FAULTS = ("lose_reply", "drop_request", "cut_reply", "swallow_reply")

TWICE = pytest.mark.parametrize("fault", ["lose_reply", "drop_request"])

ACCEPTED = [one for one in OPERATIONS if one.name != "transfer-refused"]
SINGLE = [one for one in ACCEPTED if one.name != "merge"]  # it begins with a read

named = pytest.mark.parametrize("operation", ACCEPTED, ids=lambda operation: operation.name)


@pytest.fixture
async def credits(slow_line, opened):
    return opened(slow_line.open(timeout=0.5))


@pytest.fixture
async def hasty(slow_line, opened):
    """A client for calls that fail, which take all the time that they have."""
    return opened(slow_line.open(timeout=0.4))


def runs(line, name):
    """What a request holds that runs the script `name`."""
    script = getattr(scripts, name.upper())
    return (script if line.tcp else upstash_script(script)).sha.encode()


def called(name):
    """The operation of this name."""
    return next(one for one in OPERATIONS if one.name == name)


async def unbroken(operation, credits, store, user):
    """What is left behind where nothing breaks; every script is known from then on."""
    found = await operation.ready(credits, user)
    await operation.call(credits, user, found)
    return await look(credits, store, user)


@named
async def test_one_broken_try_has_one_effect(slow_line, credits, store, new_user, operation):
    wanted = await unbroken(operation, credits, store, new_user())
    for fault in FAULTS:
        user = new_user()
        found = await operation.ready(credits, user)
        getattr(slow_line, fault)()
        outcome = await attempt(operation.call(credits, user, found))
        assert not isinstance(outcome, CreditsError), (fault, outcome)
        assert not getattr(outcome, "replayed", False), fault
        assert slow_line.faults.armed == 0
        assert await look(credits, store, user) == wanted, fault


@TWICE
@pytest.mark.parametrize("operation", SINGLE, ids=lambda operation: operation.name)
async def test_when_no_answer_comes_resolve_tells_or_repeating_is_safe(
    slow_line, hasty, store, new_user, operation, fault
):
    wanted = await unbroken(operation, hasty, store, new_user())
    balance = wanted[0][0][0]
    user = new_user()
    found = await operation.ready(hasty, user)
    before = await look(hasty, store, user)
    getattr(slow_line, fault)(2)
    error = await attempt(operation.call(hasty, user, found))
    assert isinstance(error, OutcomeUnknownError)
    assert slow_line.faults.armed == 0
    slow_line.faults.clear()

    if not operation.keeps:
        with pytest.raises(InvalidRequestError, match="repeating it is safe"):
            await hasty.resolve(error)
        await operation.call(hasty, user, found)
    elif fault == "lose_reply":
        for _ in range(2):
            told = await hasty.resolve(error)
            assert isinstance(told, Receipt)
            assert (told.tx_id, told.balance, told.replayed) == (error.tx_id, balance, False)
    else:
        assert await hasty.resolve(error) is None
        assert await look(hasty, store, user) == before
        assert await hasty.resolve(error) is None
        await operation.call(hasty, user, found)
    assert await look(hasty, store, user) == wanted


@pytest.mark.parametrize("name", ["refund-part", "revoke-part", "deduct-batch", "hold"])
async def test_another_operation_in_between_does_not_hide_the_first(
    slow_line, hasty, store, new_user, name
):
    operation = called(name)
    wanted = await unbroken(operation, hasty, store, new_user())
    user = new_user()
    found = await operation.ready(hasty, user)
    slow_line.lose_reply(2)
    error = await attempt(operation.call(hasty, user, found))
    assert isinstance(error, OutcomeUnknownError)
    between = {
        "refund-part": lambda: hasty.refund(user, found, 5),
        "revoke-part": lambda: hasty.revoke(user, found, 5),
    }.get(name, lambda: hasty.deduct(user, 5, "chat"))
    await between()
    told = await hasty.resolve(error)
    assert told is not None
    balance = wanted[0][0][0]
    assert read_ledger(store, user).balance == balance + (5 if name == "refund-part" else -5)


async def test_an_extension_is_told_even_when_the_hold_was_settled_since(
    slow_line, hasty, store, user
):
    await hasty.add(user, 100, "opening")
    hold = await hasty.hold(user, 60, "train")
    await hasty.extend(user, hold.id, 1)
    slow_line.lose_reply(2)
    error = await attempt(hasty.extend(user, hold.id, 20))
    assert isinstance(error, OutcomeUnknownError)
    await hasty.settle(user, hold.id, 75)
    assert (await hasty.resolve(error)) is not None
    assert read_ledger(store, user).balance == 25


STEPS = (("transfer", "send"), ("transfer", "receive"), ("merge", "send"), ("merge", "receive"))


@pytest.mark.parametrize("fault", ["lose_reply", "drop_request", "cut_reply"])
@pytest.mark.parametrize(("name", "step"), STEPS)
async def test_whichever_half_is_not_answered_a_rerun_completes_it_once(
    slow_line, hasty, store, new_user, name, step, fault
):
    operation = called(name)
    wanted = await unbroken(operation, hasty, store, new_user())
    user = new_user()
    await operation.ready(hasty, user)
    cut = (3,) if fault == "cut_reply" and slow_line.tcp else ()
    kind = "garbage_json" if fault == "cut_reply" and not slow_line.tcp else fault
    getattr(slow_line.faults, kind)(*cut, times=2, matching=runs(slow_line, step))
    error = await attempt(operation.call(hasty, user, None))
    assert isinstance(error, OutcomeUnknownError)
    assert slow_line.faults.armed == 0
    assert "again, which completes it" in str(error)
    with pytest.raises(InvalidRequestError, match="repeating it is safe"):
        await hasty.resolve(error)
    for _ in range(2):
        await operation.call(hasty, user, None)
    assert await look(hasty, store, user) == wanted


@pytest.mark.parametrize("name", ["transfer", "merge"])
async def test_a_note_that_is_lost_is_no_failure(slow_line, hasty, store, new_user, name):
    operation = called(name)
    wanted = await unbroken(operation, hasty, store, new_user())
    user = new_user()
    await operation.ready(hasty, user)
    slow_line.faults.drop_request(2, matching=runs(slow_line, "confirm"))
    for _ in range(2):
        assert not isinstance(await attempt(operation.call(hasty, user, None)), CreditsError)
    assert slow_line.faults.armed == 0
    assert await look(hasty, store, user) == wanted


@TWICE
@pytest.mark.parametrize("step", ["receive", "cancel", "recall"])
async def test_what_is_refused_is_given_back_once_whatever_is_not_answered(
    slow_line, hasty, store, new_user, step, fault
):
    async def begun():
        user = new_user()
        await hasty.add(user, 1000, "opening")
        await hasty.add(user, 40, "promo", expires_in=3600)
        store.call("SET", f"balance:{other(user)}", MAX_BALANCE)
        return user

    async def run(user):
        return await attempt(hasty.transfer(user, other(user), 50, idempotency_key="gift"))

    await run(await begun())  # every script is known from now on
    user = await begun()
    before = (await hasty.get_account(user)).grants
    getattr(slow_line.faults, fault)(2, matching=runs(slow_line, step))
    assert isinstance(await run(user), OutcomeUnknownError)
    assert slow_line.faults.armed == 0
    for _ in range(3):
        refused = await run(user)
        assert isinstance(refused, CreditsError)
        assert not isinstance(refused, OutcomeUnknownError)
    account = await hasty.get_account(user)
    assert (account.balance, account.grants) == (1040, before)
    assert read_ledger(store, user).balance == 1040
    assert store.call("GET", f"balance:{other(user)}") == str(MAX_BALANCE)
