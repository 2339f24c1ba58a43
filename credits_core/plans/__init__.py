"""What takes several steps: generators that yield batches of commands and receive results.

Results come back as values, errors included, in the order of the commands. The executors
drive a plan to its end; its return value is the result.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from credits_core.errors import CreditsError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence

    from credits_core.command import Command

T = TypeVar("T")

Batch: TypeAlias = "Sequence[Command[Any]]"
Plan: TypeAlias = "Generator[Batch, list[Any], T]"


def one(command: Command[T]) -> Plan[T]:
    """Run one command inside a plan; its error is raised."""
    (result,) = yield (command,)
    if isinstance(result, CreditsError):
        raise result
    outcome: T = result
    return outcome


def together(plans: Iterable[Plan[T]]) -> Plan[list[T | CreditsError]]:
    """Run several plans in step: their batches travel as one. A failed plan is a value."""
    running = dict(enumerate(plans))
    results: list[Any] = [None] * len(running)
    answers: dict[int, list[Any] | None] = dict.fromkeys(running)
    while True:
        batches: dict[int, Batch] = {}
        for index, plan in list(running.items()):
            answer = answers[index]
            try:
                batches[index] = next(plan) if answer is None else plan.send(answer)
            except StopIteration as end:
                results[index] = end.value
                del running[index]
            except CreditsError as error:
                results[index] = error
                del running[index]
        if not batches:
            return results
        answered = yield [command for batch in batches.values() for command in batch]
        start = 0
        for index, batch in batches.items():
            answers[index] = answered[start : start + len(batch)]
            start += len(batch)
