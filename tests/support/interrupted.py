"""A backend that is interrupted at a chosen script: it stops there, or something happens first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from credits_core import Credits
from credits_core.command import Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from credits_core.backends import Backend
    from credits_core.command import Call, Reply


class Interrupted:
    """Hands calls on to `inner`; what runs the script `name` is not sent, or waits for `first`."""

    braces = False

    def __init__(self, inner: Backend, name: str, first: Callable[[], object] | None) -> None:
        self.met = 0
        self._inner = inner
        self._name = name
        self._first = first

    def execute(self, calls: Sequence[Call], timeout: float) -> list[Reply | Failure]:
        if any(call.script and call.script.name == self._name for call in calls):
            self.met += 1
            if self._first is None:
                return [Failure("no", "interrupted")] * len(calls)
            if self.met == 1:
                self._first()
        return self._inner.execute(calls, timeout)

    def close(self) -> None:
        self._inner.close()


def interrupted(url: str, name: str, first: Callable[[], object] | None = None) -> Credits:
    """A client that cannot run the script `name`; or that runs it, once `first` was called."""
    inner = Credits.from_url(url)._backend
    return Credits(Interrupted(inner, name, first), timeout=1.0)
