"""What takes several steps: generators that yield batches of commands and receive results.

Results come back as values, errors included, in the order of the commands. The executors
drive a plan to its end; its return value is the result.
"""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from credits_core.errors import CreditsError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Sequence

    from credits_core.command import Command

T = TypeVar("T")

Batch: TypeAlias = "Sequence[Command[Any]]"
Plan: TypeAlias = "Generator[Batch, list[Any], T]"

WIDTH = 8
"""Commands of several plans that travel together: eight pages are an ordinary reply."""


def one(command: Command[T]) -> Plan[T]:
    """Run one command inside a plan; its error is raised."""
    (result,) = yield (command,)
    if isinstance(result, CreditsError):
        raise result
    outcome: T = result
    return outcome


class OutOfTimeError(Exception):
    """A plan was left before its end; each of its batches was whole."""


def until(plan: Plan[T], over: Callable[[], bool]) -> Plan[T]:
    """Run a plan unless it is `over` before one of its batches: then `OutOfTimeError`."""
    answer: list[Any] | None = None
    try:
        while True:
            batch = plan.send(answer)  # type: ignore[arg-type]
            if over():
                plan.close()
                raise OutOfTimeError
            answer = yield batch
    except StopIteration as end:
        result: T = end.value
        return result


def together(plans: Iterable[Plan[T]], width: int = WIDTH) -> Plan[list[T | CreditsError]]:
    """Run several plans in step: their batches travel as one. A failed plan is a value.

    Of more than `width` commands the others wait for the next turn.
    """
    results: dict[int, Any] = {}
    waiting: deque[tuple[int, Plan[T], Batch]] = deque()

    def resume(index: int, plan: Plan[T], answer: list[Any] | None) -> None:
        try:
            # A plan that has not begun takes None.
            waiting.append((index, plan, plan.send(answer)))  # type: ignore[arg-type]
        except StopIteration as end:
            results[index] = end.value
        except CreditsError as error:
            results[index] = error

    for index, plan in enumerate(plans):
        resume(index, plan, None)
    while waiting:
        turn = [waiting.popleft()]
        room = width - len(turn[0][2])
        while waiting and len(waiting[0][2]) <= room:
            turn.append(waiting.popleft())
            room -= len(turn[-1][2])
        answers = iter((yield [command for _, _, batch in turn for command in batch]))
        for index, plan, batch in turn:
            resume(index, plan, list(islice(answers, len(batch))))
    return [results[index] for index in range(len(results))]
