"""`request.credits`: the charges of a request, the balance of who pays, and a client."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from asgiref.sync import async_to_sync
from django.core.exceptions import PermissionDenied, SynchronousOnlyOperation
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest

from credits_core.charge import Charge
from credits_core.charge.nesting import inside
from credits_core.charge.terms import hold_terms, price_terms
from credits_core.http.paid import PaidRequest
from credits_django import clients
from credits_django.conf import conf
from credits_django.connection import Connection, loop_runs
from credits_django.payer import apayer_of, payer_of
from credits_django.signals import asend_all, send_all, told_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager

    from credits_core import AsyncCredits, Credits
    from credits_core.charge import Cost
    from credits_core.charge.tab import Ending
    from credits_core.charge.terms import Terms
    from credits_django.keyed import KeyedBody

__all__ = ["CreditsRequest", "RequestCredits", "credits_of"]

_NOT_ASKED: Any = object()


class _NoCharge(RuntimeError):  # noqa: N818 - told as what it is, a RuntimeError
    silent_variable_failure = True
    """What a template of Django's asks an error for."""


class RequestCredits(PaidRequest):
    """What `CreditsMiddleware` puts on a request as `request.credits`.

    In a template: `{{ credits.balance }}`, or `{% credits_balance %}`.
    """

    __slots__ = ("_asked", "_asynchronous", "_request", "_told", "_user_id", "connection", "keyed")

    def __init__(self, request: Any) -> None:
        """Nothing is looked up or sent before it is asked for."""
        super().__init__(conf().fails_on)
        self._request = request
        self._user_id: Any = _NOT_ASKED
        self._asked: Any = _NOT_ASKED
        self._asynchronous = False
        self._told: set[int] = set()
        self.connection = Connection()
        self.keyed: KeyedBody | None = None

    @property
    def charge(self) -> Charge:
        """The charge of the view: the one that was made last.

        Raises `RuntimeError` where there is none; a template shows nothing then.
        """
        if not self.charges:
            raise _NoCharge("this request has no charge: put @charges(…) on its view")
        return self.charges[-1]

    @property
    def client(self) -> AsyncCredits | Credits:
        """The client that fits: an `AsyncCredits` in async code under ASGI, else a `Credits`.

        Async code under WSGI has a loop of its own for each request, too short to connect in:
        there, too, it is a `Credits`.
        """
        return clients.aclient() if self._on_a_lasting_loop() else clients.client()

    @property
    def user_id(self) -> str | None:
        """Who pays; None if nobody is signed in. `auser_id` is the same for async code."""
        return self.ask(self._request)

    async def auser_id(self) -> str | None:
        """Who pays; None if nobody is signed in."""
        return await self.aask(self._request)

    def ask(self, request: Any) -> str | None:
        """Who pays, by the request as a view has it: REST framework wraps it in its own."""
        if self._user_id in (_NOT_ASKED, None):
            self._user_id = payer_of(request)
        found: str | None = self._user_id
        return found

    async def aask(self, request: Any) -> str | None:
        """The same in async code."""
        if self._user_id in (_NOT_ASKED, None):
            self._user_id = await apayer_of(request)
        found: str | None = self._user_id
        return found

    @property
    def balance(self) -> int | None:
        """The credits that the user has; None if nobody is signed in.

        Asked for once a request, and known after a charge. In async code it is what `abalance`
        has found before. Raises `BackendUnavailableError` while the store is away.
        """
        if (known := self._known()) is not _NOT_ASKED:
            found: int | None = known
            return found
        if loop_runs():
            raise SynchronousOnlyOperation("in async code use `await request.credits.abalance()`")
        user = self.user_id
        self._asked = None if user is None else clients.client().get_balance(user)
        return self._asked  # type: ignore[no-any-return]

    async def abalance(self) -> int | None:
        """The credits that the user has; None if nobody is signed in."""
        if (known := self._known()) is not _NOT_ASKED:
            found: int | None = known
            return found
        user = await self.auser_id()
        if user is None:
            self._asked = None
        elif self._on_a_lasting_loop():
            self._asked = await clients.aclient().get_balance(user)
        else:
            self._asked = await asyncio.to_thread(clients.client().get_balance, user)
        return self._asked  # type: ignore[no-any-return]

    def require_credits(
        self, cost: Cost, action: str, metadata: Mapping[str, Any] | None = None
    ) -> Charge:
        """A charge around a part of a view: `with`, or `async with` in async code.

        It ends with its block, whatever the request answers, and is paid by the charge of the
        view if there is one. In async code whose view is not paid `await auser_id()` before.
        Raises `PermissionDenied` when nobody is signed in.
        """
        return self.make(price_terms(self._payer(), cost, action, metadata))

    def hold_credits(
        self, estimate: Cost, action: str, metadata: Mapping[str, Any] | None = None, **options: Any
    ) -> Charge:
        """A hold around a part of a view; the options are those of `credits_core.hold_credits`."""
        return self.make(hold_terms(self._payer(), estimate, action, metadata, **options))

    def make(self, terms: Terms) -> Charge:
        """A charge that code of this request may begin and end, sync or async as it is."""
        return Charge(self.client, terms, threaded=True)

    def inside(self) -> AbstractContextManager[None]:
        """Run a part of the work that the charge of the view pays for: a piece of a stream."""
        return inside(self.charge) if self.charges else nullcontext()

    def add(self, charge: Charge) -> None:
        """Let the answer end this charge."""
        self._asynchronous = self._asynchronous or self._on_a_lasting_loop()
        self.charges.append(charge)

    @contextmanager
    def awaited(self) -> Iterator[None]:
        """Begin what the view costs in a thread, which nobody can cancel.

        Where the client has left meanwhile that ends at once, and so does the view, by a
        `CancelledError`.
        """
        try:
            yield
        finally:
            if self.connection.lost:
                self.end("left")
                raise asyncio.CancelledError

    def end(self, ending: Ending, error: BaseException | None = None) -> None:
        """End every charge that is open, in sync code, also those of async code."""
        if self._asynchronous:
            async_to_sync(self.aend)(ending, error)
            return
        # First: who takes the key over must not find a charge that was given back.
        keyed = self.keyed if ending != "served" else None
        if keyed and not keyed.end(served=False, paid=self.keeps(ending)):
            self.let_go()
        super().end(ending, error)
        send_all(self._news())

    async def aend(self, ending: Ending, error: BaseException | None = None) -> None:
        """End every charge that is open, in async code, also those of sync code."""
        keyed = self.keyed if ending != "served" else None
        if keyed and not await keyed.aend(served=False, paid=self.keeps(ending)):
            self.let_go()
        await super().aend(ending, error)
        if news := self._news():
            await asend_all(news)

    def settle(self, ending: Ending) -> None:
        """End what ends before an answer in one piece leaves, in sync code."""
        if ending == "served":
            self.served()
        else:
            self.end(ending)

    async def asettle(self, ending: Ending) -> None:
        """End what ends before an answer in one piece leaves, in async code."""
        await (self.aserved() if ending == "served" else self.aend(ending))

    def served(self) -> None:
        """End the fixed prices of an answer that is about to leave as a whole, in sync code."""
        if self._asynchronous:
            async_to_sync(self.aserved)()
            return
        super().served()
        send_all(self._news())

    async def aserved(self) -> None:
        """End the fixed prices of an answer that is about to leave as a whole, in async code."""
        await super().aserved()
        if news := self._news():
            await asend_all(news)

    def _payer(self) -> str:
        if self.user_id is None:
            raise PermissionDenied("nobody is signed in, and so nobody pays")
        return self.user_id

    def _news(self) -> list[Any]:
        news = [one for one in self.charges if not one.open and id(one) not in self._told]
        self._told.update(map(id, news))
        return [told for charge in news for told in told_of(self._request, charge)]

    def _known(self) -> Any:
        balances = [charge.balance for charge in self.charges if charge.balance is not None]
        return balances[-1] if balances else self._asked

    def _on_a_lasting_loop(self) -> bool:
        return isinstance(self._request, ASGIRequest) and loop_runs()


class CreditsRequest(HttpRequest):
    """The request of a view, for type checkers: `def chat(request: CreditsRequest)`.

    What a view gets is Django's own request, on which `CreditsMiddleware` has put `credits`.
    """

    credits: RequestCredits


def credits_of(request: Any) -> RequestCredits:
    """What the middleware has put on a request. Raises `RuntimeError` where there is none."""
    found = getattr(request, "credits", None)
    if not isinstance(found, RequestCredits):
        raise RuntimeError(
            "nothing would settle this charge: put "
            "'credits_django.middleware.CreditsMiddleware' into MIDDLEWARE"
        )
    return found
