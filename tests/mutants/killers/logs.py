"""The log: read, verified, repaired, folded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from credits_core import AccountStateError, TransactionError, commands, scripts
from credits_core.command import Call
from credits_core.plans.fold import Folding
from credits_core.plans.verify import rebuild
from tests.mutants.stage import DAY, Stage, killer, refused

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from credits_core.archives import ArchivedEntry
    from credits_core.plans import Plan

_AGE = 90 * 86_400
"""Seconds: what is older is folded here."""


@dataclass
class Kept:
    """An archive in memory."""

    entries: dict[str, ArchivedEntry] = field(default_factory=dict)

    def write(self, entries: Sequence[ArchivedEntry], /) -> None:
        self.entries.update((entry.member, entry) for entry in entries)

    @property
    def total(self) -> int:
        return sum(int(entry.transaction.amount) for entry in self.entries.values())


def _old_account(stage: Stage) -> None:
    """Sums to 100 + 50 - 1 - 2 - 3 - 20, of which the hold of 20 is open for ever."""
    stage.credits.initialize_user("a", 100)
    stage.credits.add("a", 50, "x", expires_in=500 * 86_400)
    hold = stage.credits.hold("a", 20, "x", expires_in=7 * 86_400)
    for number in (1, 2, 3):
        stage.credits.deduct("a", number, "x")
    for _ in range(17):
        stage.move(6 * DAY)
        stage.credits.extend("a", hold.id, expires_in=7 * 86_400)


@killer
def a_fold_keeps_the_sum_and_what_is_open(stage: Stage) -> None:
    _old_account(stage)
    archive = Kept()
    report = stage.credits.fold("a", archive, older_than=_AGE)
    assert (report.folded, len(archive.entries), archive.total) == (5, 5, 144)
    assert stage.sound("a") == 124
    log = stage.log("a")
    (checkpoint,) = [entry for entry in log if entry.get("kind") == "checkpoint"]
    assert (checkpoint.get("amount"), checkpoint.get("entries")) == (144, 5)
    assert checkpoint.get("initialized") is True
    assert len(checkpoint.get("open", ())) == 2
    assert len(log) == 1 + 1 + 17, "the entries of the hold stay"
    assert stage.credits.verify_balance("a").valid
    assert stage.credits.fold("a", archive, older_than=_AGE).folded == 0
    stage.raw.hdel("credits:state:a", "initialized")
    assert not stage.credits.initialize_user("a", 100).created
    assert not [name for name in stage.raw.hkeys("credits:additions:a") if "paid" in name]


def _fold(stage: Stage, name: str, *members: str, deadline: int = 10**14) -> list[str]:
    """The bare reply of the script."""
    call = Call(scripts.FOLD, stage.keys.account("a"), (str(deadline), name, *members))
    return stage.reply(call)


@killer
def a_fold_happens_once(stage: Stage) -> None:
    stage.credits.add("a", 100, "x")
    charge = stage.credits.deduct("a", 10, "x").tx_id
    stage.move(100 * DAY)
    young = commands.refund(
        stage.keys, "a", charge, None, reason=None, idempotency_key=None, now_ms=stage.now()
    )
    refund = stage.run(young)
    addition, deduction, _ = stage.raw.zrange("txs:a", 0, -1)
    before = stage.everything()
    assert _fold(stage, "1", addition, deadline=0)[0] == "late"
    assert stage.everything() == before
    assert _fold(stage, "1", addition, deduction, deduction)[0] == "ok"
    after = stage.everything()
    assert _fold(stage, "1", addition, deduction, deadline=0)[0] == "ok", "it is told again"
    assert _fold(stage, "2", addition, deduction)[0] == "changed", "they are gone"
    assert stage.everything() == after != before
    assert stage.run(young).tx_id == refund.tx_id, "a young refund is told again"
    with refused(TransactionError) as told:
        stage.credits.refund("a", charge)
    assert "older than the last fold" in str(told[0])
    assert stage.sound("a") == 100


@killer
def the_last_checkpoint_becomes_part_of_the_next(stage: Stage) -> None:
    for number in range(3):
        stage.credits.add("a", 100 + number, "x")
    members = stage.raw.zrange("txs:a", 0, -1)
    stage.move(100 * DAY)
    for number, member in enumerate(members):
        assert _fold(stage, f"{number}", member)[0] == "ok"
        checkpoint, *rest = stage.log("a")
        assert checkpoint.get("entries") == number + 1
        assert len(rest) == 2 - number
        assert stage.sound("a") == 303


@killer
def a_checkpoint_is_known_by_its_id_and_by_what_it_stands_for(stage: Stage) -> None:
    at = stage.now()
    stage.foreign("a", 5, at, kind="checkpoint", entries=7)
    for entries in (2.5, 0, 10**17, "7"):
        stage.foreign("a", 5, at, id=f"checkpoint_1_{entries}", kind="checkpoint", entries=entries)
    members = stage.raw.zrange("txs:a", 0, -1)
    stage.move(100 * DAY)
    assert _fold(stage, "1", *members)[0] == "ok"
    assert stage.log("a")[0].get("entries") == len(members)
    assert stage.sound("a") == 25


@killer
def a_fold_takes_what_it_was_given_and_the_last_checkpoint(stage: Stage) -> None:
    first, second = stage.now(), stage.now() + 5
    stage.foreign("a", 1, first)
    stage.foreign("a", 2, second)
    members = stage.raw.zrange("txs:a", 0, -1)
    stage.move(100 * DAY)
    assert _fold(stage, "1", members[0])[0] == "ok"
    late = stage.foreign("a", 4, first)
    assert _fold(stage, "2", members[1])[0] == "ok"
    assert late in [entry.get("id") for entry in stage.log("a")], "nobody has archived it"
    assert stage.sound("a") == 7


@killer
def what_is_young_or_of_an_open_hold_is_not_folded(stage: Stage) -> None:
    stage.credits.add("a", 100, "x")
    stage.credits.hold("a", 10, "x", expires_in=7 * 86_400)
    addition, held = stage.raw.zrange("txs:a", 0, -1)
    before = stage.everything()
    assert _fold(stage, "1", addition)[0] == "invalid"
    stage.move(29 * DAY)
    assert _fold(stage, "1", addition)[0] == "invalid"
    hold = stage.credits.hold("a", 10, "x", expires_in=7 * 86_400)
    young = stage.raw.zrange("txs:a", -1, -1)[0]
    for _ in range(6):
        stage.move(6 * DAY)
        stage.credits.extend("a", hold.id, expires_in=7 * 86_400)
    assert _fold(stage, "1", young)[0] == "changed"
    assert young in stage.raw.zrange("txs:a", 0, -1)
    assert _fold(stage, "1", addition, held)[0] == "ok"
    assert stage.everything() != before
    assert stage.sound("a") == 90


@killer
def a_later_fold_takes_the_earlier_into_itself(stage: Stage) -> None:
    stage.credits.initialize_user("a", 99)
    stage.raw.hdel("credits:state:a", "initialized")  # as where another app signed the user up
    stage.credits.add("a", 1, "x")
    archive = Kept()
    for folded in (0, 2, 1):
        assert stage.credits.fold("a", archive, older_than=_AGE).folded == folded
        stage.move(91 * DAY)
        stage.credits.deduct("a", 1, "x")
    assert stage.sound("a") == 97
    assert (len(archive.entries), archive.total) == (3, 99)
    checkpoints = [entry for entry in stage.log("a") if entry.get("kind") == "checkpoint"]
    assert [(entry.get("entries"), entry.get("amount")) for entry in checkpoints] == [(3, 99)]
    assert not stage.credits.initialize_user("a", 100).created


def _fold_amid(stage: Stage, meddle: Callable[[], object]) -> None:
    """A fold between whose reading and folding something happens, the first time."""
    before = set(stage.raw.zrange("txs:a", 0, -1))
    folding, archive = Folding(stage.keys, "a", stage.now() - 90 * DAY), Kept()
    once = iter([meddle])
    while not folding.done:
        archive.write(stage.credits._executor.run_plan(folding.read()))
        before |= set(stage.raw.zrange("txs:a", 0, -1))
        for act in once:
            act()
        before |= set(stage.raw.zrange("txs:a", 0, -1))
        stage.credits._executor.run_plan(folding.fold())
    after = set(stage.raw.zrange("txs:a", 0, -1))
    gone = {one for one in before - after if '"kind":"checkpoint"' not in one}
    assert len(gone) > 0
    assert gone <= set(archive.entries), "nothing goes that was not archived"
    (checkpoint,) = [entry for entry in stage.log("a") if entry.get("kind") == "checkpoint"]
    assert checkpoint.get("entries") == len(gone)


@killer
def a_fold_amid_a_writer_whose_clock_is_late_keeps_the_sum(stage: Stage) -> None:
    stage.credits.add("a", 100, "x")
    score = stage.raw.zrange("txs:a", 0, 0, withscores=True)[0][1]
    stage.move(100 * DAY)
    _fold_amid(stage, lambda: stage.foreign("a", 7, score))
    assert stage.sound("a") == 107


@killer
def a_fold_amid_the_end_of_a_hold_keeps_the_sum(stage: Stage) -> None:
    _old_account(stage)
    hold = stage.credits.get_account("a").holds[0].id
    _fold_amid(stage, lambda: stage.credits.release("a", hold))
    assert stage.sound("a") == 144


@killer
def a_fold_amid_another_keeps_the_sum(stage: Stage) -> None:
    _old_account(stage)
    kept = Kept()
    folding = Folding(stage.keys, "a", stage.now() - 90 * DAY)
    kept.write(stage.credits._executor.run_plan(folding.read()))
    stage.credits.fold("a", kept)
    while not folding.done:
        stage.credits._executor.run_plan(folding.fold())
        kept.write(stage.credits._executor.run_plan(folding.read()))
    assert stage.sound("a") == 124


@killer
def a_drift_is_found_and_repaired(stage: Stage) -> None:
    stage.credits.add("a", 100, "x")
    stage.credits.deduct("a", 30, "x")
    assert stage.credits.verify_balance("a").valid
    stage.raw.set("balance:a", 90)
    found = stage.credits.verify_balance("a")
    assert (found.valid, found.cached, found.calculated, found.difference) == (False, 90, 70, 20)
    assert stage.credits.rebuild_balance("a") == 70
    assert stage.sound("a") == 70
    stage.raw.delete("txs:a")
    with refused(AccountStateError, state="missing_log"):
        stage.credits.rebuild_balance("a")


@killer
def a_repair_amid_writers_neither_makes_nor_loses_credits(stage: Stage) -> None:
    stage.credits.add("a", 350, "x")
    started = int(stage.now()) - 1_000
    # More than one snapshot carries, so that it counts ranges.
    members = (f'{{"id":"tx_1_{number}","amount":1,"action":"x"}}' for number in range(1_000))
    stage.raw.zadd("txs:a", {one: started + number / 2 for number, one in enumerate(members)})
    stage.raw.incrby("balance:a", 1_000)
    assert stage.credits.verify_balance("a").valid
    stage.raw.incrby("balance:a", 5)
    tampered = []

    def tampering() -> Plan[int]:
        plan = rebuild(stage.keys, "a")
        batch = next(plan)
        while True:
            if batch[0].name == "rebuild_balance" and not tampered:
                tampered.append(stage.foreign("a", 50, started + 5.25))
            try:
                batch = plan.send((yield batch))
            except StopIteration as end:
                return int(end.value)

    assert stage.credits._executor.run_plan(tampering()) == 1_400
    assert tampered
    assert stage.sound("a") == 1_400


@killer
def a_log_is_read_from_either_end(stage: Stage) -> None:
    for number in range(4):
        stage.credits.add("a", 1, f"{number}")
    newest = stage.credits.get_transactions("a", limit=3)
    assert [entry.action for entry in newest] == ["3", "2", "1"]
    exported = stage.credits.export_account("a").transactions
    assert [entry.action for entry in exported] == ["0", "1", "2", "3"]
