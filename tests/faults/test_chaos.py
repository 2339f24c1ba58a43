"""Charges by many tasks over a way that breaks one call in ten, in every manner."""

from __future__ import annotations

import asyncio
import random

import pytest

from credits_core import (
    BackendUnavailableError,
    InsufficientCreditsError,
    OutcomeUnknownError,
    Receipt,
)
from tests.faults.helpers import Line, Stories, ready

FAULTS = (
    "drop_request",
    "lose_reply",
    "swallow_reply",
    "cut_reply",
    "hold_request",
    "hold_reply",
)


def break_something(line: Line, dice: random.Random) -> None:
    kind = dice.choice(FAULTS)
    fault = getattr(line, kind)
    if kind.startswith("hold"):
        fault(dice.choice([0.05, 0.15, 0.3]), dice.randint(1, 2))
    else:
        fault(dice.randint(1, 3))


async def run_chaos(line: Line, store, user, opened, *, tasks: int, charges: int) -> Stories:
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    dice = random.Random(seed)
    credits = opened(line.open(timeout=0.25))
    await ready(credits, user, charges)
    stories = Stories(user)
    left = iter(range(charges))

    async def worker() -> None:
        for number in left:
            if line.faults.armed == 0 and dice.random() < 0.1:
                break_something(line, dice)
            if number % 50 == 49:
                await asyncio.sleep(0.01)
            await stories.charge(credits, dice.randint(1, 3))

    await asyncio.gather(*(worker() for _ in range(tasks)))
    line.faults.clear()
    await line.all_arrived()
    await stories.check(credits, store)
    kinds = (Receipt, InsufficientCreditsError, OutcomeUnknownError, BackendUnavailableError)
    figures = {kind.__name__: stories.count(kind) for kind in kinds}
    print(figures)
    assert sum(figures.values()) == charges
    return stories


async def test_every_caller_is_told_the_truth(line, store, user, opened):
    charges = 300 if not line.tcp else 600 if line.sync else 1500
    stories = await run_chaos(line, store, user, opened, tasks=20, charges=charges)
    assert stories.count(Receipt) > 50


@pytest.mark.soak
async def test_every_caller_is_told_the_truth_for_long(line, store, user, opened):
    await run_chaos(line, store, user, opened, tasks=40, charges=10_000)
