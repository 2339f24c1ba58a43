"""Where a reconciliation broke off is told to the next, for a while, and forgotten at the end."""

from __future__ import annotations

from credits_core import AccountStateError, commands
from tests.mutants.stage import Stage, killer, refused


@killer
def a_place_is_told_for_a_while_and_forgotten_at_the_end(stage: Stage) -> None:
    run, keys = stage.run, stage.keys
    assert run(commands.sweep_place(keys)) == ""
    run(commands.keep_sweep_place(keys, "logs-17"))
    assert run(commands.sweep_place(keys)) == "logs-17"
    assert 0 < int(stage.raw.pttl(keys.sweep())) <= 7 * 86_400_000
    run(commands.keep_sweep_place(keys, ""))
    assert not stage.raw.exists(keys.sweep())


@killer
def a_place_of_another_type_is_told_as_such(stage: Stage) -> None:
    stage.raw.rpush(stage.keys.sweep(), "x")
    with refused(AccountStateError, state="wrong_type"):
        stage.run(commands.sweep_place(stage.keys))
