"""Rules for the next requests, taken first come, first served, from any thread."""

import threading
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar


class Rule(Protocol):
    """What to do to the requests that contain `matching`."""

    @property
    def matching(self) -> bytes: ...


RuleT = TypeVar("RuleT", bound=Rule)


@dataclass
class _Armed(Generic[RuleT]):
    rule: RuleT
    times: int


class Rules(Generic[RuleT]):
    """The rules that wait for a request, in the order in which they were given."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._armed: list[_Armed[RuleT]] = []

    def arm(self, rule: RuleT, times: int) -> None:
        with self._lock:
            self._armed.append(_Armed(rule, times))

    def take(self, request: bytes) -> RuleT | None:
        """Return the first rule for this request and use it up once."""
        with self._lock:
            for armed in self._armed:
                if armed.rule.matching in request:
                    armed.times -= 1
                    if armed.times == 0:
                        self._armed.remove(armed)
                    return armed.rule
        return None

    def clear(self) -> None:
        with self._lock:
            self._armed.clear()

    def __len__(self) -> int:
        with self._lock:
            return sum(armed.times for armed in self._armed)
