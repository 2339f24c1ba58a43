"""`Paywall`: the client of an app, who pays, and what a refusal looks like."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, Unpack
from weakref import WeakKeyDictionary

from credits_core import validation
from credits_core.async_client import AsyncCredits
from credits_core.charge.pending import adrain
from credits_core.errors import CreditsError, InvalidRequestError
from credits_core.home import Home
from credits_core.http.idempotency import LEASE_SECONDS, AnswerAgain
from credits_core.http.paid import failing
from credits_core.http.rules import hold_rule, price_rule
from credits_core.outage.background import acollecting
from credits_fastapi.answers import answer_error
from credits_fastapi.api import router_of
from credits_fastapi.decorators import paid_endpoint
from credits_fastapi.dependencies import charge_dependency
from credits_fastapi.given import ClientOptions, check_client, check_functions
from credits_fastapi.keyed import answer_again
from credits_fastapi.middleware import ChargesMiddleware
from credits_fastapi.openapi import document
from credits_fastapi.unpaid import warn_of_unpaid

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from fastapi import APIRouter, FastAPI

    from credits_core.api import AccountApi
    from credits_core.charge.price import Cost
    from credits_core.http.paid import FailsOn
    from credits_core.http.rules import Given, HoldOptions, PriceOptions
    from credits_core.outage import OutageJournal
    from credits_fastapi.dependencies import Dependency

__all__ = ["ClientOptions", "Paywall"]

F = TypeVar("F", bound="Callable[..., Any]")


@dataclass(slots=True)
class _Open:
    """A client that is open in a loop, for so many apps."""

    client: AsyncCredits
    apps: int = 0


class Paywall:
    """What an app charges with: one for an app, made beside it.

    `user` is the app's own dependency that answers the id of the signed-in user as a str, and
    raises (401) when there is none. The user who pays comes from it and from nowhere else.

    The store is given by the arguments of `AsyncCredits.from_url`, or by the environment when
    there is no `url`; the client is opened when the app starts and closed when it ends. Or
    hand in `client`, one of your own, which stays open.

    `admin` is the app's own dependency that answers the id of the signed-in user if the app lets
    that user administer credits, and raises (403) if not. Without it nobody does, by the account
    API.

    >>> from fastapi import Depends, FastAPI, Request
    >>> async def current_user_id(request: Request) -> str:
    ...     return request.state.user_id
    >>> app, paywall = FastAPI(), Paywall(current_user_id, url="memory://")
    >>> paywall.install(app)
    >>> @app.post("/chat", dependencies=[Depends(paywall.require_credits(10))])
    ... async def chat() -> str:
    ...     return "Hello"
    """

    def __init__(
        self,
        user: Callable[..., Any],
        client: AsyncCredits | None = None,
        *,
        admin: Callable[..., Any] | None = None,
        top_up_url: str | None = None,
        fails_on: FailsOn = failing,
        outage: OutageJournal | None = None,
        lease: float = LEASE_SECONDS,
        **options: Unpack[ClientOptions],
    ) -> None:
        """Keep the settings; nothing is opened yet.

        `top_up_url` is where credits are bought, for the answer 402. `fails_on` is given the
        status of an answer and says whether it is a failure, which costs nothing: by default 400
        and more. `outage` is the journal of routes that serve on while the store is away, up to
        their `outage_limit`; it is collected every second, and stays open.
        `lease` is for how many seconds, up to an hour, a request with an
        `Idempotency-Key` whose worker died blocks its key; of one that is at work it is renewed.

        Raises `InvalidRequestError` when a client is given and options for one, too, or what is
        given is not what it should be.
        """
        validation.lease_ms(lease)
        check_functions(user=user, admin=admin)
        check_client(client, options)
        if not isinstance(top_up_url, str | None):
            raise InvalidRequestError(f"top_up_url is a str, not {type(top_up_url).__name__}")
        self._user = user
        self._admin = admin
        self._given = client
        self._top_up_url = top_up_url
        self._fails_on = fails_on
        self._outage = outage
        self._lease = lease
        self._options = options
        # A client belongs to a loop; tests and servers in threads have several.
        self._open: WeakKeyDictionary[asyncio.AbstractEventLoop, _Open] = WeakKeyDictionary()
        self._last: tuple[Home, AsyncCredits] | None = None

    def install(self, app: FastAPI, *, api: AccountApi | None = None) -> None:
        """Make `app` ready to charge: the client for as long as it runs, and the answers.

        The app's own lifespan runs inside, and may use the client. A middleware settles the
        charges of a request by what is answered, and tells `Credits-Cost` and
        `Credits-Remaining`. Errors of this library that nothing else handles are answered as
        problem details: 402 when the credits do not suffice, 503 with Retry-After while the
        store is away. The OpenAPI document tells what each route costs. A mounted sub-app
        handles its own errors and needs its own `install`.

        `api` adds the routes of the account API to the app.
        """
        own = app.router.lifespan_context

        @asynccontextmanager
        async def both(app: Any) -> AsyncIterator[Mapping[str, Any]]:
            warn_of_unpaid(app)
            async with self.lifespan(app), own(app) as state:
                yield state or {}

        app.router.lifespan_context = both
        app.add_middleware(ChargesMiddleware, fails_on=self._fails_on)
        app.add_exception_handler(CreditsError, partial(answer_error, top_up_url=self._top_up_url))
        app.add_exception_handler(AnswerAgain, answer_again)
        document(app)
        if api is not None:
            app.include_router(self.api_router(api))

    def api_router(self, api: AccountApi) -> APIRouter:
        """The routes of the account API as a router, where `install(app, api=…)` will not do.

        app.include_router(paywall.api_router(AccountApi()), prefix="/v1")
        """
        return router_of(api.routes, self._user, self._admin, self._client)

    @asynccontextmanager
    async def lifespan(self, app: object = None) -> AsyncIterator[None]:  # noqa: ARG002 - FastAPI's form
        """Keep the client open: `install` arranges it; here for apps that compose by hand.

        Such an app adds `ChargesMiddleware` itself, and a handler of `CreditsError`.

        At the end it waits, at most five seconds, for charges that are being given back.
        """
        if self._given is not None:
            async with acollecting(self._outage, self._given):
                try:
                    yield
                finally:
                    await adrain(self._given)
            return
        loop = asyncio.get_running_loop()
        entry = self._open.get(loop)
        if entry is None:
            entry = self._open[loop] = _Open(self._make())
        entry.apps += 1
        try:
            async with acollecting(self._outage, entry.client):
                yield
        finally:
            entry.apps -= 1
            if not entry.apps:
                await adrain(entry.client)
            # Meanwhile another app may have begun, or closed the client after it.
            if not entry.apps and self._open.get(loop) is entry:
                del self._open[loop]
                self._last = None
                await entry.client.aclose()

    async def client(self) -> AsyncCredits:
        """The client, also as a dependency: `Annotated[AsyncCredits, Depends(paywall.client)]`.

        Raises `RuntimeError` when the app's lifespan has not run.
        """
        return self._client()

    def require_credits(
        self,
        cost: Cost | Given,
        action: str | None = None,
        metadata: Mapping[str, Any] | Given | None = None,
        **options: Unpack[PriceOptions],
    ) -> Dependency:
        """A dependency that charges the user a fixed price and gives its `Charge`.

        It charges before the endpoint runs. An answer of 400 or more, returned or raised, gives
        the credits back before it is sent; so does an answer whose first piece never left. What
        fails after the answer, such as a background task, does not.

        `cost` is credits (0 is free), a `Priced` action, or a dependency of the app's own that
        answers either: its arguments are taken from the request, as those of any dependency.
        `metadata` (for the log) and `exempt_when` (True for who need not pay) may be
        dependencies, too. `outage_limit` is how many credits each user may be served by a
        process while the store is away, to be charged afterwards. `action` names the charge in
        the log, 1 to 64 characters; by default it is the price's, or the endpoint's name, or
        "request" where that cannot be an action.

        The same dependency object charges once in a request, however often it is used; two
        calls of `require_credits` make two charges.

            Chat = Annotated[Charge, Depends(paywall.require_credits(10, "chat_message"))]

        Raises `PricingConfigError` for a cost below 0 and `InvalidRequestError` for one that
        is no whole number, or an action that is none, when it is called: at import.
        """

        rule = price_rule(cost, action, metadata, **options)
        return charge_dependency(rule, self._user, self._client, self._outage, self._lease)

    def hold_credits(
        self,
        estimate: Cost | Given,
        action: str | None = None,
        metadata: Mapping[str, Any] | Given | None = None,
        **options: Unpack[HoldOptions],
    ) -> Dependency:
        """A dependency that holds an estimate and gives its `Charge`; the answer settles it.

        The endpoint says what the work cost by `Charge.settle` or `meter`, or streams through
        `Charge.stream`; otherwise the estimate is the price. An answer of 400 or more gives
        everything back. A stream is settled when it ends: at what was delivered if the client
        leaves before.

        The arguments are those of `require_credits` and of `credits_core.hold_credits`.
        """
        rule = hold_rule(estimate, action, metadata, **options)
        return charge_dependency(rule, self._user, self._client, self._outage, self._lease)

    def charges(
        self,
        cost: Cost | Given,
        action: str | None = None,
        metadata: Mapping[str, Any] | Given | None = None,
        **options: Unpack[PriceOptions],
    ) -> Callable[[F], F]:
        """`require_credits` as a decorator, between the route and the function.

        A parameter that is annotated `Charge` is given the charge.

            @app.post("/chat")
            @paywall.charges(10)
            async def chat(charge: Charge) -> str: ...
        """
        paid = self.require_credits(cost, action, metadata, **options)
        return partial(paid_endpoint, paid)

    def holds(
        self,
        estimate: Cost | Given,
        action: str | None = None,
        metadata: Mapping[str, Any] | Given | None = None,
        **options: Unpack[HoldOptions],
    ) -> Callable[[F], F]:
        """`hold_credits` as a decorator, between the route and the function."""
        held = self.hold_credits(estimate, action, metadata, **options)
        return partial(paid_endpoint, held)

    def _client(self) -> AsyncCredits:
        if self._given is not None:
            return self._given
        if self._last is not None and self._last[0].is_here:
            return self._last[1]
        home = Home.here()
        entry = self._open.get(home.loop)
        if entry is None:
            raise RuntimeError(
                "the paywall has no client, because the app's lifespan has not run: call "
                "paywall.install(app), and in tests use `with TestClient(app) as client:`"
            )
        self._last = home, entry.client
        return entry.client

    def _make(self) -> AsyncCredits:
        options: dict[str, Any] = {**self._options}
        if "url" in options:
            return AsyncCredits.from_url(**options)
        if "token" in options:
            raise InvalidRequestError("a token goes with its url=…")
        return AsyncCredits.from_env(**options)
