"""A process that dies between any two steps of an operation: the same again completes it once."""

from __future__ import annotations

import pytest

from credits_core import AsyncCredits, CreditsError
from tests.faults.helpers import attempt
from tests.faults.operations import OPERATIONS, look
from tests.support.warm import run_warm

STEPS = {
    "transfer": 3,  # out, in, noted
    "transfer-refused": 4,  # out, refused, ruled out, back
    "merge": 4,  # looked up, out, in, noted
    "allowance": 1,
    "allowance-next": 1,
}


@pytest.fixture
async def credits(store, opened):
    return opened(AsyncCredits.from_url(store.url, timeout=5))


def die(store, name, when, user):
    """How many processes began the operation and died in it, each one step later."""
    ended = run_warm("tests.faults.dying", [store.url, name, when, user])
    return int(ended.stdout)


def named(name):
    return next(operation for operation in OPERATIONS if operation.name == name)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("name", "steps"), STEPS.items(), ids=STEPS)
async def test_a_rerun_completes_what_a_dead_process_began(
    credits, store, new_user, name, steps, when
):
    operation = named(name)
    whole = new_user()
    found = await operation.ready(credits, whole)
    told = await attempt(operation.call(credits, whole, found))
    wanted = await look(credits, store, whole)

    user = new_user()
    for number in range(1, steps + 2):
        await operation.open(credits, f"{user}-{number}")
    assert die(store, name, when, user) == steps
    for number in range(1, steps + 1):
        mine = f"{user}-{number}"
        for _ in range(2):
            again = await attempt(operation.call(credits, mine, found))
            assert isinstance(again, CreditsError) == isinstance(told, CreditsError)
        assert await look(credits, store, mine) == wanted, number


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_merge_that_died_is_completed_before_one_into_a_third_account(
    credits, store, new_user, when
):
    operation = named("merge")
    user, third = new_user(), new_user()
    for number in range(1, 6):
        await operation.open(credits, f"{user}-{number}")
    assert die(store, "merge", when, user) == 4
    for number in range(1, 5):
        await credits.merge_accounts(f"{user}-{number}", third)
        assert await credits.get_balance(f"{user}-{number}") == 0
    # Of those that died before they had taken anything out, all goes where it is sent now.
    begun = [await credits.get_balance(f"{user}-{number}-other") for number in range(1, 5)]
    assert begun == ([0, 0, 1040, 1040] if when == "before" else [0, 1040, 1040, 1040])
    assert await credits.get_balance(third) == 4 * 1040 - sum(begun)
