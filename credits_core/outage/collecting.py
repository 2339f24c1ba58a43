"""Charging for what was served: a generator that yields batches and receives what came of them.

The async and the sync shell drive it; every decision is here.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from credits_core.errors import BackendError, CreditsError, TransactionError
from credits_core.http.idempotency import unkept
from credits_core.outage.files import set_aside
from credits_core.outage.lines import Served

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Sequence
    from pathlib import Path

    from credits_core.http.steps import Steps
    from credits_core.models import Receipt
    from credits_core.outage.files import JournalFile

_log = logging.getLogger(__name__)

BATCH = 64
"""Charges that are asked for together."""

Results: TypeAlias = "Sequence[Receipt | CreditsError]"
"""What came of a batch, in its order; shorter where it broke off."""


@dataclass(slots=True)
class CollectReport:
    """What a run of `collect` did.

    `collected` entries were charged, `credits` in all; `short` is how many credits of them
    were not there. `refused` entries were set aside. `left` wait for the next run; `error` is
    what stopped this one.
    """

    collected: int = 0
    credits: int = 0
    short: int = 0
    refused: int = 0
    left: int = 0
    error: BackendError | None = None


def collecting(
    files: Iterable[JournalFile],
    folder: Path,
    gone: Callable[[JournalFile, Served], None],
) -> Generator[list[Served], Results, CollectReport]:
    """Charge for what the files hold, one after another; `gone` hears what is done with."""
    report = CollectReport()
    for file in files:
        run = _Run(file, folder, gone, report)
        places = file.entries()
        for start in range(0, len(places), BATCH):
            if report.error is None:
                yield from run.batch(places[start : start + BATCH])
        report.left += file.waiting
    return report


def charging(entry: Served) -> Steps[Receipt]:
    """Charge for one entry; first the store learns that its request was served, if it has a key."""
    if entry.request is not None:
        key, fingerprint = entry.request
        where = entry.user_id, entry.route, key
        # The same owner whenever it is tried, as a run may break off between the two.
        owner = entry.key
        try:
            told = yield lambda client: client.begin_request(
                *where, fingerprint=fingerprint, owner=owner
            )
            if told.state == "begun":
                yield lambda client: client.finish_request(*where, owner, unkept())
        except BackendError:
            raise
        except CreditsError as error:
            _log.warning("nothing is stored of the request with the key %r: %s", key, error)
    receipt: Receipt = yield lambda client: client.collect(
        entry.user_id, entry.amount, entry.action, entry.metadata, idempotency_key=entry.key
    )
    return receipt


@dataclass(frozen=True, slots=True)
class _Run:
    """One file that is being collected."""

    file: JournalFile
    folder: Path
    gone: Callable[[JournalFile, Served], None]
    report: CollectReport

    def batch(
        self, entries: Sequence[tuple[int, Served | str]]
    ) -> Generator[list[Served], Results, None]:
        """Charge for some, and strike out what is done with."""
        readable = [(place, entry) for place, entry in entries if isinstance(entry, Served)]
        done = [place for place, entry in entries if isinstance(entry, str) and self._lost(entry)]
        try:
            results = (yield [entry for _, entry in readable]) if readable else ()
            for (place, entry), result in zip(readable, results, strict=False):
                if self._settled(entry, result):
                    done.append(place)
                    self.gone(self.file, entry)
        finally:
            self.file.strike(done)

    def _settled(self, entry: Served, result: Receipt | CreditsError) -> bool:
        """Take note of what came of one charge; whether it is done with."""
        if isinstance(result, BackendError):
            self.report.error = self.report.error or result
            return False
        if isinstance(result, CreditsError):
            return self._set_aside(entry, result)
        self.report.collected += 1
        self.report.credits += result.amount
        self.report.short += entry.amount - result.amount
        return True

    def _lost(self, line: str) -> bool:
        return self._set_aside(line, TransactionError("this line of the journal cannot be read"))

    def _set_aside(self, entry: Served | str, error: CreditsError) -> bool:
        who = f"{entry.amount} credits of {entry.user_id!r}" if isinstance(entry, Served) else ""
        try:
            set_aside(self.folder, entry, error)
        except OSError as failure:
            _log.error("%s were refused and could not be set aside: %s", who or "a line", failure)
            return False
        _log.error("%s were refused and set aside in %s: %s", who or "a line", self.folder, error)
        self.report.refused += 1
        return True
