"""A request that carries a key, as its framework drives it: begun once, charged under the key.

Where a route serves on while the store is away, only the journal of the outage knows the request,
until it has charged it: meanwhile this process does not serve it again, and afterwards nobody does.
"""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from credits_core.client import Credits
from credits_core.errors import BackendUnavailableError, RepeatedRequestError
from credits_core.http.idempotency import fingerprint
from credits_core.http.keyed import AsyncKeyed, Keyed
from credits_core.http.problems import RETRY_AFTER
from credits_core.outage.lines import RequestKey

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from credits_core.async_client import AsyncCredits
    from credits_core.charge.terms import Terms

__all__ = ["Sent", "UnderKey"]


class Sent(NamedTuple):
    """What a client sent: its key, the path with its query, and the digest of the body."""

    key: str
    target: str
    body_digest: str


class UnderKey:
    """One request with a key. `begun` is it in the store; None before, and where that is away."""

    __slots__ = ("_lease", "_sent", "_unknown", "begun")

    def __init__(self, lease: float) -> None:
        """`lease` is seconds until another worker may take it over from one that died."""
        self._lease = lease
        self._sent: Sent | None = None
        self._unknown = 0
        self.begun: AsyncKeyed | Keyed | None = None

    def terms(self, client: Credits, terms: Terms, route: str, sent: Callable[[], Sent]) -> Terms:
        """The terms of a charge under the key; the first begins the request of its user.

        Raises what `Keyed.begin` does, and `RepeatedRequestError` for a request that was served
        without a charge and is not charged yet.
        """
        if self.begun is None:
            known = self._sent or self._first(sent(), terms, route)
            try:
                self.begun = Keyed.begin(client, terms.user_id, route, *known, lease=self._lease)
            except BackendUnavailableError:
                if terms.outage is None:
                    raise
        return self._under(terms, route)

    async def aterms(
        self,
        client: AsyncCredits | Credits,
        terms: Terms,
        route: str,
        sent: Callable[[], Awaitable[Sent]],
    ) -> Terms:
        """The same in async code; a `Credits` is asked in a thread."""
        if self.begun is None:
            known = self._sent or self._first(await sent(), terms, route)
            where, lease = (terms.user_id, route, *known), self._lease
            try:
                if isinstance(client, Credits):
                    self.begun = await asyncio.to_thread(Keyed.begin, client, *where, lease=lease)
                else:
                    self.begun = await AsyncKeyed.begin(client, *where, lease=lease)
            except BackendUnavailableError:
                if terms.outage is None:
                    raise
        return self._under(terms, route)

    def take(self) -> AsyncKeyed | Keyed | None:
        """What is begun, to be ended: once."""
        begun, self.begun = self.begun, None
        return begun

    def _first(self, sent: Sent, terms: Terms, route: str) -> Sent:
        self._sent = sent
        outage, user = terms.outage, terms.user_id
        if outage is not None and outage.journal.serves(route, user, sent.key):
            raise RepeatedRequestError(
                "running",
                f"{user!r} sent the key {sent.key!r} to {route} again, and the first is not "
                f"charged yet",
                retry_after=RETRY_AFTER,
            )
        return sent

    def _under(self, terms: Terms, route: str) -> Terms:
        if self._sent is not None and terms.outage is not None:
            key, target, digest = self._sent
            request = RequestKey(key, fingerprint(target, digest))
            terms = terms._replace(outage=replace(terms.outage, request=request))
            if self.begun is None and not terms.held:
                # The same in each process that serves it: then they charge it once.
                self._unknown += 1
                name = hashlib.sha256("\n".join((route, *request)).encode()).hexdigest()
                terms = terms._replace(key=f"outage {name} {self._unknown}")
        if self.begun is not None:
            terms = terms._replace(key=self.begun.request.charge_key())
        return terms
