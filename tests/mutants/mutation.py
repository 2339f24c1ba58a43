"""A mutation of the rulebook, and the scripts that come of it. The files stay as they are."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import pytest

from credits_core import scripts
from credits_core.scripts import Script
from tests.support import moving_clock

if TYPE_CHECKING:
    from collections.abc import Iterator

_read = cache(scripts._read)


@dataclass(frozen=True)
class Mutation:
    """One thing done wrong: in `file` (`parts/touch`), `text` becomes `wrong`."""

    file: str
    text: str
    wrong: str
    why: str

    def apply(self) -> str:
        """The file with the mutation in it; the text must stand in it exactly once."""
        if error := self.stale():
            raise LookupError(error)
        return _read(self.file).replace(self.text, self.wrong)

    def stale(self) -> str:
        """What is wrong with the mutation itself, where the file has moved on, or nothing."""
        found = _read(self.file).count(self.text)
        told = f"{self.why}: stands {found} times, not once, in {self.file}.lua:\n{self.text}"
        return told if found != 1 else ""


@contextmanager
def rulebook(mutation: Mutation | None = None) -> Iterator[None]:
    """All scripts assembled anew, on a clock that can be moved, with one mutation or none."""
    wrong = {} if mutation is None else {mutation.file: mutation.apply()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scripts, "_read", lambda name: wrong.get(name) or _read(name))
        moving_clock.install(patch)
        if mutation is not None and _shas() == _right():
            raise LookupError(f"{mutation.why}: no script is another for it")
        yield


@cache
def _right() -> tuple[str, ...]:
    with rulebook():
        return _shas()


def _shas() -> tuple[str, ...]:
    return tuple(script.sha for script in vars(scripts).values() if isinstance(script, Script))
