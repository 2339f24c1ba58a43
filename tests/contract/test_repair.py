"""A repair compares before it sets: what changed since the log was summed stops it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from credits_core import AccountStateError, Credits
from credits_core.keys import KeySpace
from credits_core.plans.verify import rebuild

if TYPE_CHECKING:
    from collections.abc import Callable

    import redis

    from credits_core.executor import Executor
    from tests.support.servers import Server

ENTRIES = 3000


def _entry(number: int, amount: int) -> str:
    return f'{{"id":"tx_{number}","amount":{amount},"action":"grant","timestamp":{number}}}'


def _rebuild_with(
    server: Server, user: str, meanwhile: Callable[[], object]
) -> tuple[int, list[str]]:
    """Rebuild, with something happening just before each repair; the commands' names."""
    with Credits.from_url(server.url) as credits:
        executor: Executor = credits._executor
        plan, names, answer = rebuild(KeySpace(), user), [], None
        while True:
            try:
                batch = next(plan) if answer is None else plan.send(answer)
            except StopIteration as end:
                return end.value, names
            names += [command.name for command in batch]
            if batch[0].name == "rebuild_balance":
                meanwhile()
            answer = executor.run_many(batch)


@pytest.mark.parametrize("place", [1, ENTRIES - 1], ids=["far back", "at the end"])
def test_an_entry_that_lands_after_the_log_was_summed_is_not_lost(
    server: Server, raw: redis.Redis, user: str, place: int
) -> None:
    raw.zadd(f"txs:{user}", {_entry(number, 1): number for number in range(ENTRIES)})
    raw.set(f"balance:{user}", ENTRIES + 7)
    late = iter([_entry(ENTRIES + 1, 50)])

    def other_app_adds() -> None:
        for member in late:
            raw.zadd(f"txs:{user}", {member: place + 0.5})
            raw.incrby(f"balance:{user}", 50)

    balance, names = _rebuild_with(server, user, other_app_adds)
    assert balance == int(raw.get(f"balance:{user}")) == ENTRIES + 50
    assert names.count("rebuild_balance") == (2 if place == 1 else 1)


def test_a_log_that_vanishes_before_the_repair_is_noticed(
    server: Server, raw: redis.Redis, user: str
) -> None:
    raw.zadd(f"txs:{user}", {_entry(number, 1): number for number in range(10)})
    raw.set(f"balance:{user}", 17)
    with pytest.raises(AccountStateError) as refused:
        _rebuild_with(server, user, lambda: raw.delete(f"txs:{user}"))
    assert refused.value.state == "missing_log"
    assert int(raw.get(f"balance:{user}")) == 17


@pytest.mark.parametrize("young", [0, ENTRIES])
def test_sums_on_the_way_may_pass_what_a_double_holds(
    server: Server, raw: redis.Redis, user: str, young: int
) -> None:
    """An entry that came last, by a clock that was behind: in the order of the log it is first."""
    brim = 2**53 - 3
    amounts = [brim, *[9] * 51, *[-(10**15)] * 3, *[1] * young]
    raw.zadd(f"txs:{user}", {_entry(n, amount): n for n, amount in enumerate(amounts)})
    raw.set(f"balance:{user}", 5)
    with Credits.from_url(server.url) as credits:
        assert credits.rebuild_balance(user) == sum(amounts)
        assert credits.verify_balance(user).valid
    assert int(raw.get(f"balance:{user}")) == sum(amounts)
