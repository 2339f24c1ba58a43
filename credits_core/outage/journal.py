"""The journal of a process: it admits, writes down what was served, and has it charged."""

from __future__ import annotations

import asyncio
import os
import threading
from contextlib import closing
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from weakref import WeakSet

from anyio import to_thread

from credits_core import disk, validation
from credits_core.errors import BackendError, BackendUnavailableError, CreditsError
from credits_core.http.steps import arun, run
from credits_core.outage.admissions import Admission, Allowances, Claim, new_key
from credits_core.outage.collecting import CollectReport, Results, charging, collecting
from credits_core.outage.files import JournalFile, orphans

if TYPE_CHECKING:
    from collections.abc import Generator
    from types import TracebackType

    from credits_core import AsyncCredits, Credits, Receipt
    from credits_core.outage.lines import RequestKey, Served


class OutageJournal:
    """What was served while the store was away, and is charged when it is back.

    `folder` is on a disk that outlives the process; many processes may share it. Each writes
    a file of its own there, which only its owner may read. Entries of a process that died are
    charged by another one. Threads may share a journal.

    Raises `BackendUnavailableError` when there is no such folder and none can be made.

    >>> import tempfile
    >>> from credits_core import Credits
    >>> credits = Credits.from_url("memory://", auto_initialize=True)
    >>> journal = OutageJournal(tempfile.mkdtemp())
    >>> admission = journal.admit("POST /chat", "alice", 10, limit=15)
    >>> admission.serve(10, "chat_message")
    >>> journal.admit("POST /chat", "alice", 10, limit=15)  # 10 of 15 are used
    >>> journal.pending
    1
    >>> journal.collect_sync(credits).credits
    10
    >>> journal.pending, credits.get_balance("alice")
    (0, 90)
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        """Use a folder; it is made, for this user alone, where it is not there."""
        self._folder = Path(folder)
        try:
            new = not self._folder.exists()
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if new:
                disk.sync_folder(self._folder.parent)
        except OSError as error:
            raise self._unwritable(error) from error
        self._begin()
        _journals.add(self)

    def _begin(self) -> None:
        self._allowances = Allowances()
        self._own: JournalFile | None = None
        self._opening = threading.Lock()
        self._collecting = threading.Lock()

    def __enter__(self) -> Self:
        """Use the journal in a `with` block that closes it."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the journal."""
        self.close()

    def close(self) -> None:
        """Let go of the file. What is not collected yet, another process collects."""
        with self._opening:
            own, self._own = self._own, None
        if own is not None:
            own.close()

    def admit(
        self,
        route: str,
        user_id: str,
        amount: int,
        limit: int,
        *,
        key: str | None = None,
        request: RequestKey | None = None,
    ) -> Admission | None:
        """Leave to serve `user_id` work of `amount` credits without a charge, or None.

        `limit` is how many credits a user may be served on this `route` by this process and
        have not paid yet. `key` is the idempotency key of the charge that failed with
        `OutcomeUnknownError`, where it had one: that charge and the later one count once, if
        amount and action are the same. None, too, for a key under which something is being
        served, or was and is not paid yet. `request` is what a request with an `Idempotency-Key`
        is known by: when it is charged, the store learns that it was served.

        Raises `BackendUnavailableError` when the folder cannot be written to.
        """
        claim = Claim(
            validation.route(route),
            validation.user_id(user_id),
            validation.amount(amount),
            new_key() if key is None else validation.idempotency_key(key),
            request,
        )
        if not self._allowances.take(claim, validation.outage_limit(limit)):
            return None
        try:
            # Before the work, which may be dear, and not after it.
            self._file()
        except BaseException:
            self._allowances.give_back(claim)
            raise
        return Admission(claim, self._allowances, self._write)

    def serves(self, route: str, user_id: str, request_key: str) -> bool:
        """Whether a request with this `Idempotency-Key` is being served by this process, or was.

        It is so until it is charged.
        """
        return self._allowances.serves(route, user_id, request_key)

    @property
    def pending(self) -> int:
        """How many entries wait to be charged: this process' own and those of dead ones.

        It looks into the folder; those of other processes that live do not count.
        """
        with self._opening:
            own = self._own
        left = sum(file.waiting for file in orphans(self._folder, own))
        return left + (own.waiting if own is not None else 0)

    async def collect(self, client: AsyncCredits) -> CollectReport:
        """Charge for what was served, each entry once, by this process and by dead ones.

        Of a user who has less than an entry costs, what there is is taken. What is refused for
        another reason, such as a frozen account, is set aside in `refused.jsonl` in the folder.
        It stops at the first `BackendError`, which the report has, and leaves the rest for the
        next run. After a crash the same is charged again by its key, which does no harm within
        30 days.
        """
        steps = self._steps()
        try:
            turn = await to_thread.run_sync(_advance, steps, None)
            while not isinstance(turn, CollectReport):
                results = await _charge(client, turn)
                turn = await to_thread.run_sync(_advance, steps, results)
            return turn
        finally:
            steps.close()

    def collect_sync(self, client: Credits) -> CollectReport:
        """Charge for what was served, as `collect` does, in sync code."""
        steps = self._steps()
        try:
            turn = _advance(steps, None)
            while not isinstance(turn, CollectReport):
                turn = _advance(steps, _charge_sync(client, turn))
            return turn
        finally:
            steps.close()

    def _steps(self) -> Generator[list[Served], Results, CollectReport]:
        if not self._collecting.acquire(blocking=False):  # another thread or task is at it
            return CollectReport(left=self.pending)
        collecting_lock = self._collecting
        try:
            with self._opening:
                own = self._own
            with closing(orphans(self._folder, own)) as dead:
                files = chain([] if own is None else [own], dead)
                return (yield from collecting(files, self._folder, self._gone))
        finally:
            collecting_lock.release()

    def _gone(self, file: JournalFile, entry: Served) -> None:
        if file is self._own:
            claim = Claim(entry.route, entry.user_id, entry.amount, entry.key, entry.request)
            self._allowances.give_back(claim)

    def _write(self, entry: Served) -> None:
        try:
            self._file().append(entry)
        except OSError as error:
            raise self._unwritable(error) from error

    def _file(self) -> JournalFile:
        own = self._own
        if own is not None:
            return own
        with self._opening:
            if self._own is None:
                try:
                    self._own = JournalFile.create(self._folder)
                except OSError as error:
                    raise self._unwritable(error) from error
            return self._own

    def _unwritable(self, error: OSError) -> BackendUnavailableError:
        return BackendUnavailableError(
            f"the outage journal in {str(self._folder)!r} cannot be written "
            f"({error.strerror}), so that nothing is served without a charge"
        )

    def _forked(self) -> None:
        own = self._own
        self._begin()
        if own is not None:
            own.forget()


_journals: WeakSet[OutageJournal] = WeakSet()


def _after_fork() -> None:
    # The file is the parent's, and so is what it admitted; a child begins with its own.
    for journal in list(_journals):
        journal._forked()  # noqa: SLF001


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _advance(
    steps: Generator[list[Served], Results, CollectReport], results: Any
) -> list[Served] | CollectReport:
    """The next batch, or how it ended: `StopIteration` does not pass through a thread."""
    try:
        return steps.send(results)
    except StopIteration as end:
        report: CollectReport = end.value
        return report


async def _charge(client: AsyncCredits, entries: list[Served]) -> Results:
    results = await asyncio.gather(
        *(arun(client, charging(entry)) for entry in entries),
        return_exceptions=True,
    )
    return [_known(result) for result in results]


def _charge_sync(client: Credits, entries: list[Served]) -> Results:
    results: list[Receipt | CreditsError] = []
    for entry in entries:
        try:
            receipt = run(client, charging(entry))
        except CreditsError as error:
            results.append(error)
            if isinstance(error, BackendError):
                break
        else:
            results.append(receipt)
    return results


def _known(result: Receipt | BaseException) -> Receipt | CreditsError:
    if isinstance(result, BaseException) and not isinstance(result, CreditsError):
        raise result
    return result
