"""A request with an `Idempotency-Key`, in the store: begun, renewed, kept or forgotten.

For async code, and its twin for sync code. The rules are those of `credits_core.http.idempotency`.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from anyio import CancelScope

from credits_core.charge.pending import AsyncPending, Pending, ainsist, insist
from credits_core.errors import BackendError, CreditsError
from credits_core.http.idempotency import LEASE_SECONDS, KeyedRequest, fingerprint, unkept

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from credits_core.async_client import AsyncCredits
    from credits_core.client import Credits
    from credits_core.http.idempotency import AnswerKeeper
    from credits_core.models import RequestRecord

__all__ = ["AsyncKeyed", "Keyed"]

_LAPSED: Final = 0.001
"""The lease of a request that its worker has given up, in seconds."""

_log = logging.getLogger(__name__)


class AsyncKeyed:
    """The request of one user under one key, for an `AsyncCredits`."""

    __slots__ = ("_client", "_renew", "_renewing", "request")

    def __init__(
        self,
        client: AsyncCredits,
        request: KeyedRequest,
        renew: Callable[..., Awaitable[RequestRecord]],
        pause: float,
    ) -> None:
        """Use `begin`."""
        self._client = client
        self.request = request
        self._renew = renew
        self._renewing = asyncio.get_running_loop().create_task(_arenewed(renew, pause))

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
        request = KeyedRequest.of(await begin(), user_id, route, key)
        return cls(client, request, partial(begin, owner=request.owner), lease / 3)

    async def end(self, answer: AnswerKeeper | None, *, paid: bool = False) -> bool:
        """Keep the answer; where there is none let the same key try again, at once.

        `paid` is whether a fixed price stays paid without an answer: then whoever comes again
        takes the request over, and its charge with it, but once only: else one price would buy
        the work as often as its client leaves before the end. Otherwise the next one is the first.
        While the store is away it is tried again in the background.

        Answers False where another worker has taken it over meanwhile: its charges are that one's.
        """
        self._renewing.cancel()
        step: Callable[[], Awaitable[object]] = _step(
            self._client, self.request, self._renew, answer, paid=paid
        )
        telling = AsyncPending.of(self._client).start(self._tell(step), _told(self.request))
        with CancelScope(shield=True):
            await asyncio.shield(telling)
        return telling.result()

    async def _tell(self, step: Callable[[], Awaitable[object]]) -> bool:
        try:
            return _ours(await step())
        except BackendError as error:
            _not_kept(self.request, error)
            AsyncPending.of(self._client).start(ainsist(step), _told(self.request))
        except CreditsError as error:
            _not_kept(self.request, error)
        return True


class Keyed:
    """The request of one user under one key, for a `Credits`."""

    __slots__ = ("_client", "_ended", "_renew", "_turn", "request")

    def __init__(
        self,
        client: Credits,
        request: KeyedRequest,
        renew: Callable[..., RequestRecord],
        pause: float,
    ) -> None:
        """Use `begin`."""
        self._client = client
        self.request = request
        self._renew = renew
        self._ended = threading.Event()
        self._turn = threading.Lock()
        threading.Thread(
            target=self._renewed, args=(pause,), name="credits: the lease of a request", daemon=True
        ).start()

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
        request = KeyedRequest.of(begin(), user_id, route, key)
        return cls(client, request, partial(begin, owner=request.owner), lease / 3)

    def end(self, answer: AnswerKeeper | None, *, paid: bool = False) -> bool:
        """Keep the answer, or let the same key try again: see `AsyncKeyed.end`."""
        with self._turn:  # no renewal that is under way may come after it
            self._ended.set()
        step: Callable[[], object] = _step(
            self._client, self.request, self._renew, answer, paid=paid
        )
        try:
            return _ours(step())
        except BackendError as error:
            _not_kept(self.request, error)
            Pending.of(self._client).start(partial(insist, step), _told(self.request))
        except CreditsError as error:
            _not_kept(self.request, error)
        return True

    def _renewed(self, pause: float) -> None:
        while not self._ended.wait(pause):
            with self._turn:
                if self._ended.is_set():
                    return
                try:
                    self._renew()
                except CreditsError as error:
                    _not_renewed(error)


def _step(
    client: AsyncCredits | Credits,
    one: KeyedRequest,
    renew: Callable[..., Any],
    answer: AnswerKeeper | None,
    *,
    paid: bool,
) -> Callable[[], Any]:
    """What tells the store that a request has ended."""
    where = one.user_id, one.route, one.key, one.owner
    if answer is not None:
        return partial(client.finish_request, *where, answer.text())
    if paid and one.again:
        return partial(client.finish_request, *where, unkept())
    if paid:
        return partial(renew, lease=_LAPSED)
    return partial(client.abandon_request, *where)


def _ours(told: object) -> bool:
    """Whether the store still knew the request as this worker's."""
    return told is not False and getattr(told, "state", "begun") == "begun"


async def _arenewed(renew: Callable[[], Awaitable[RequestRecord]], seconds: float) -> None:
    while True:
        await asyncio.sleep(seconds)
        try:
            await renew()
        except CreditsError as error:
            _not_renewed(error)


def _not_renewed(error: CreditsError) -> None:
    _log.warning("the lease of a request with an Idempotency-Key is not renewed: %s", error)


def _told(one: KeyedRequest) -> str:
    return f"the end of the request of {one.user_id!r} with the key {one.key!r}"


def _not_kept(one: KeyedRequest, error: CreditsError) -> None:
    # The answer goes out all the same; until the lease ends, the key answers 409.
    _log.warning("%s is not stored: %s", _told(one), error)
