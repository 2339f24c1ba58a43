"""The library against the ledger in plain Python, on each kind of store."""

from __future__ import annotations

import itertools
import os
import random
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.model import clock
from tests.model.base import Base
from tests.model.machine import LedgerMachine
from tests.model.stage import Stage, in_memory, on_rest, on_tcp
from tests.support.rest import RestServer
from tests.support.servers import Server

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def own_server() -> Iterator[Server]:
    """A server that nobody else uses, so that every key in it is the machine's."""
    with Server() as running:
        yield running


@pytest.fixture(autouse=True)
def still_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    clock.install(monkeypatch)


@pytest.fixture
def number(request: pytest.FixtureRequest, capfd: pytest.CaptureFixture[str]) -> int:
    """What all choices follow from; told at once, as a long run may be broken off.

    The same in every short run; a soak has one of its own.
    """
    soak = request.node.get_closest_marker("soak")
    chosen = int(os.environ.get("SEED") or (random.SystemRandom().getrandbits(32) if soak else 1))
    with capfd.disabled():
        print(f"\nSEED={chosen}", flush=True)
    return chosen


def run(stage: Stage, number: int, *, games: int, steps: int, reduce: bool = True) -> int:
    """Play `games` of up to `steps` steps; how often the library was compared with the ledger."""
    Base.operations = 0
    machine = seed(number)(type("Machine", (LedgerMachine,), {"stage": stage}))
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=games,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            print_blob=True,
            phases=[Phase.generate, Phase.shrink] if reduce else [Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
    return Base.operations


@pytest.fixture
def tcp(own_server: Server) -> Iterator[Stage]:
    with closing(on_tcp(own_server)) as stage:
        yield stage


def play(stage: Stage, number: int, operations: int, *, reduce: bool) -> Iterator[tuple[int, int]]:
    """Rounds until so many operations are played: the seed of the next, and how many so far.

    A round is the first of a run with its seed.
    """
    played = 0
    for one in itertools.count(number):
        yield one, played
        if played >= operations:
            break
        played += run(stage, one, games=30, steps=200, reduce=reduce)


def test_over_tcp(tcp, number):
    for _, _ in play(tcp, number, 20_000, reduce=True):
        pass


def test_a_sum_that_passes_a_double_on_the_way_is_lost_by_typescript_and_found_by_us(tcp):
    game = type("Game", (LedgerMachine,), {"stage": tcp})()
    game.fund(game.account(2), 101, {})
    for kind, amount, skew, brim in (
        ("deduct", 101, 600_000, False),
        ("add", 1, -600_000, True),
        ("add", 11, -3_000, False),
    ):
        game.write_from_typescript(
            who=2, kind=kind, amount=amount, skew=skew, metadata=None, to_the_brim=brim
        )
    account = game.account(2)
    assert game.in_doubles(account) != account.balance
    game.verify_and_rebuild_from_typescript(who=2)
    game.drift(who=2, by=163, how="ts")


def test_over_rest(own_server, number):
    with (
        RestServer(own_server.url, token="secret-token") as rest,
        closing(on_rest(own_server, rest)) as stage,
    ):
        assert run(stage, number, games=20, steps=50) >= 500


def test_in_memory(number):
    with closing(in_memory()) as stage:
        assert run(stage, number, games=20, steps=40) >= 500


@pytest.mark.soak
def test_over_tcp_for_long(tcp, number, capfd):
    """A million operations, in rounds; SEED=<that of a round> begins `test_over_tcp` with it."""
    started = time.monotonic()
    for one, played in play(tcp, number, 1_000_000, reduce=False):
        with capfd.disabled():
            print(f"SEED={one} {played} operations {time.monotonic() - started:.0f} s", flush=True)
