"""Work that is served while the store is away: admitted by a journal, and charged afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from credits_core.errors import BackendError, BackendUnavailableError, OutcomeUnknownError

if TYPE_CHECKING:
    from credits_core.charge.terms import Terms
    from credits_core.outage import Admission, OutageJournal
    from credits_core.outage.lines import RequestKey

__all__ = ["Outage", "Unpaid"]


@dataclass(frozen=True, slots=True)
class Outage:
    """The leave of a route to serve each user `limit` credits while the store is away."""

    journal: OutageJournal
    route: str
    limit: int
    request: RequestKey | None = None
    """What the request is known by, if it carries an `Idempotency-Key`."""


class Unpaid:
    """A charge that the store did not make, for work that is done all the same.

    `doubt` is the charge whose answer was lost, if it is to be given back in the end. It may have
    happened; an entry of the same amount in the journal counts with it once, by its key.
    """

    __slots__ = ("_admission", "_outage", "_terms", "doubt")

    def __init__(self, terms: Terms, outage: Outage, error: BackendError) -> None:
        """Raises `error` where the work is not admitted."""
        self._terms = terms
        self._outage = outage
        self.doubt = error if isinstance(error, OutcomeUnknownError) else None
        # What was held for an estimate is never what the work cost in the end.
        self._admission = self._admit(None if terms.held else terms.key)
        if self._admission is None or type(error) not in (
            BackendUnavailableError,
            OutcomeUnknownError,
        ):
            raise error

    def serve(self, amount: int) -> None:
        """Write down what the work cost, 0 if it failed. It waits for the disk.

        Raises `BackendUnavailableError` when that cannot be written.
        """
        admission, terms = self._admission, self._terms
        if admission is not None and (not amount or self._partly(amount)):
            admission.void()
            admission = self._admit(None) if amount else None
        if admission is not None:
            admission.serve(amount, terms.action, terms.metadata)
            if not terms.held and not self._partly(amount):
                self.doubt = None

    def _partly(self, amount: int) -> bool:
        # Its key stands for all of a price: a part is another charge.
        return not self._terms.held and amount < self._terms.cost

    def _admit(self, key: str | None) -> Admission | None:
        outage = self._outage
        return outage.journal.admit(
            outage.route,
            self._terms.user_id,
            self._terms.cost,
            outage.limit,
            key=key,
            request=outage.request,
        )
