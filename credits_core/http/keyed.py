"""A request with an `Idempotency-Key`, in the store: begun, renewed, kept or forgotten.

For async code, and its twin for sync code. The rules are those of `credits_core.http.idempotency`.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from functools import partial
from typing import TYPE_CHECKING

from credits_core.errors import CreditsError
from credits_core.http.idempotency import LEASE_SECONDS, KeyedRequest, fingerprint

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from credits_core.async_client import AsyncCredits
    from credits_core.client import Credits
    from credits_core.http.idempotency import AnswerKeeper
    from credits_core.models import RequestRecord

__all__ = ["AsyncKeyed", "Keyed"]

_log = logging.getLogger(__name__)


class AsyncKeyed:
    """The request of one user under one key, for an `AsyncCredits`."""

    __slots__ = ("_client", "_renewing", "request")

    def __init__(self, client: AsyncCredits, request: KeyedRequest) -> None:
        """Use `begin`."""
        self._client = client
        self.request = request
        self._renewing: asyncio.Task[None] | None = None

    @classmethod
    async def begin(
        cls,
        client: AsyncCredits,
        user_id: str,
        route: str,
        key: str,
        target: str,
        body_digest: str,
        *,
        lease: float = LEASE_SECONDS,
    ) -> AsyncKeyed:
        """Begin it, or raise `AnswerAgain`, or `RepeatedRequestError` if it cannot be begun.

        `target` is the path with its query, `lease` seconds until another worker may take it over
        from one that died.
        """
        begin = partial(
            client.begin_request,
            user_id,
            route,
            key,
            fingerprint=fingerprint(target, body_digest),
            lease=lease,
        )
        keyed = cls(client, KeyedRequest.of(await begin(), user_id, route, key))
        renew = partial(begin, owner=keyed.request.owner)
        keyed._renewing = asyncio.get_running_loop().create_task(_arenewed(renew, lease / 3))
        return keyed

    async def end(self, answer: AnswerKeeper | None) -> None:
        """Keep the answer, or forget the request where there is none."""
        if self._renewing is not None:
            self._renewing.cancel()
        one, client = self.request, self._client
        where = one.user_id, one.route, one.key, one.owner
        try:
            if answer is None:
                await client.abandon_request(*where)
            else:
                await client.finish_request(*where, answer.text())
        except CreditsError as error:
            _not_kept(one, error)


class Keyed:
    """The request of one user under one key, for a `Credits`."""

    __slots__ = ("_client", "_ended", "request")

    def __init__(self, client: Credits, request: KeyedRequest) -> None:
        """Use `begin`."""
        self._client = client
        self.request = request
        self._ended = threading.Event()

    @classmethod
    def begin(
        cls,
        client: Credits,
        user_id: str,
        route: str,
        key: str,
        target: str,
        body_digest: str,
        *,
        lease: float = LEASE_SECONDS,
    ) -> Keyed:
        """Begin it, or raise `AnswerAgain`, or `RepeatedRequestError`: see `AsyncKeyed.begin`."""
        begin = partial(
            client.begin_request,
            user_id,
            route,
            key,
            fingerprint=fingerprint(target, body_digest),
            lease=lease,
        )
        keyed = cls(client, KeyedRequest.of(begin(), user_id, route, key))
        renew = partial(begin, owner=keyed.request.owner)
        threading.Thread(
            target=_renewed,
            args=(renew, lease / 3, keyed._ended),
            name="credits: the lease of a request",
            daemon=True,
        ).start()
        return keyed

    def end(self, answer: AnswerKeeper | None) -> None:
        """Keep the answer, or forget the request where there is none."""
        self._ended.set()
        one, client = self.request, self._client
        where = one.user_id, one.route, one.key, one.owner
        try:
            if answer is None:
                client.abandon_request(*where)
            else:
                client.finish_request(*where, answer.text())
        except CreditsError as error:
            _not_kept(one, error)


async def _arenewed(renew: Callable[[], Awaitable[RequestRecord]], seconds: float) -> None:
    while True:
        await asyncio.sleep(seconds)
        try:
            await renew()
        except CreditsError as error:
            _not_renewed(error)


def _renewed(renew: Callable[[], RequestRecord], seconds: float, ended: threading.Event) -> None:
    while not ended.wait(seconds):
        try:
            renew()
        except CreditsError as error:
            _not_renewed(error)


def _not_renewed(error: CreditsError) -> None:
    _log.warning("the lease of a request with an Idempotency-Key is not renewed: %s", error)


def _not_kept(one: KeyedRequest, error: CreditsError) -> None:
    # The answer goes out all the same; until the lease ends, the key answers 409.
    _log.warning("the answer to key %r of %r is not kept: %s", one.key, one.user_id, error)
