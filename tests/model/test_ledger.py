"""The library against the ledger in plain Python, on each kind of store."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.model.machine import LedgerMachine
from tests.model.stage import Stage, in_memory, on_rest, on_tcp


def run(stage: Stage, *, examples: int, steps: int) -> None:
    """Play `examples` games of up to `steps` steps; a failing one prints how to repeat it."""
    machine = type("Machine", (LedgerMachine,), {"stage": stage})
    try:
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=examples,
                stateful_step_count=steps,
                deadline=None,
                derandomize=False,
                print_blob=True,
                suppress_health_check=list(HealthCheck),
            ),
        )
    finally:
        stage.close()


def test_over_tcp(server):
    run(on_tcp(server), examples=100, steps=40)


def test_over_rest(server, rest):
    run(on_rest(server, rest), examples=10, steps=30)


def test_in_memory():
    run(in_memory(), examples=15, steps=30)


@pytest.mark.soak
def test_over_tcp_for_long(server):
    run(on_tcp(server), examples=3000, steps=100)


@pytest.mark.soak
def test_in_memory_for_long():
    run(in_memory(), examples=500, steps=60)
