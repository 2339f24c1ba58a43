"""`Paywall`: the client of an app, who pays, and what a refusal looks like."""

# Without `from __future__ import annotations`: FastAPI reads the annotations of the
# dependencies below, and closures are out of its sight when they are strings.

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypedDict, Unpack
from weakref import WeakKeyDictionary

from fastapi import Depends, FastAPI
from fastapi.requests import HTTPConnection

from credits_core import validation
from credits_core.async_client import AsyncCredits
from credits_core.charge import Charge, charged, check_cost, drain
from credits_core.errors import CreditsError, InvalidRequestError
from credits_fastapi.answers import answer_error

__all__ = ["ClientOptions", "Paywall"]


class ClientOptions(TypedDict, total=False):
    """The arguments of `AsyncCredits.from_url`; without a `url` it is `from_env`."""

    url: str
    token: str | None
    default_credits: int
    auto_initialize: bool
    prefix: str
    timeout: float


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

    >>> from fastapi import FastAPI, Request
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
        **options: Unpack[ClientOptions],
    ) -> None:
        """Keep the settings; nothing is opened yet.

        Raises `InvalidRequestError` when a client is given and options for one, too.
        """
        if client is not None and options:
            raise InvalidRequestError(
                f"a client is given, so {', '.join(options)} would have no effect: "
                f"set it where the client is made"
            )
        self._user = user
        self._given = client
        self._options = options
        # A client belongs to a loop; tests and servers in threads have several.
        self._open: WeakKeyDictionary[asyncio.AbstractEventLoop, _Open] = WeakKeyDictionary()

    def install(self, app: FastAPI) -> None:
        """Make `app` ready to charge: the client for as long as it runs, and the answers.

        The app's own lifespan runs inside, and may use the client. Errors of this library
        that nothing else handles are answered as problem details: 402 when the credits do
        not suffice, 503 with Retry-After while the store is away. A mounted sub-app handles
        its own errors and needs its own `install`.
        """
        own = app.router.lifespan_context

        @asynccontextmanager
        async def both(app: Any) -> AsyncIterator[Mapping[str, Any]]:
            async with self.lifespan(app), own(app) as state:
                yield state or {}

        app.router.lifespan_context = both
        app.add_exception_handler(CreditsError, answer_error)

    @asynccontextmanager
    async def lifespan(self, app: object = None) -> AsyncIterator[None]:  # noqa: ARG002 - FastAPI's form
        """Keep the client open: `install` arranges it; here for apps that compose by hand.

        At the end it waits, at most five seconds, for charges that are being given back.
        """
        if self._given is not None:
            try:
                yield
            finally:
                await drain(self._given)
            return
        loop = asyncio.get_running_loop()
        entry = self._open.get(loop)
        if entry is None:
            entry = self._open[loop] = _Open(self._make())
        entry.apps += 1
        try:
            yield
        finally:
            entry.apps -= 1
            if not entry.apps:
                await drain(entry.client)
            # Meanwhile another app may have begun, or closed the client after it.
            if not entry.apps and self._open.get(loop) is entry:
                del self._open[loop]
                await entry.client.aclose()

    async def client(self) -> AsyncCredits:
        """The client, also as a dependency: `Annotated[AsyncCredits, Depends(paywall.client)]`.

        Raises `RuntimeError` when the app's lifespan has not run.
        """
        return self._client()

    def require_credits(
        self, cost: int, action: str | None = None, metadata: Mapping[str, Any] | None = None
    ) -> Callable[..., Coroutine[Any, Any, Charge]]:
        """A dependency that charges the user `cost` credits and gives its `Charge`.

        It charges before the endpoint runs. What the endpoint raises, HTTP exceptions
        included, gives the credits back before the answer is sent; what fails after the
        answer (a background task, a stream under way) does not. `cost` 0 is free. `action`
        names the charge in the log, 1 to 64 characters; by default the endpoint's name, or
        "request" where that cannot be an action.

        The same dependency object charges once in a request, however often it is used; two
        calls of `require_credits` make two charges.

            Chat = Annotated[Charge, Depends(paywall.require_credits(10, "chat_message"))]

        Raises `PricingConfigError` for a cost below 0 and `InvalidRequestError` for one that
        is no whole number, or an action that is none, when it is called: at import.
        """
        check_cost(cost, action or "this endpoint")
        if action is not None:
            validation.action(action)
        validation.metadata(metadata)

        async def charging(
            connection: HTTPConnection,
            user_id: Any = Depends(self._user),  # noqa: B008
        ) -> AsyncIterator[Charge]:
            payer, what = _user_id(user_id), action or _endpoint(connection)
            async with charged(self._client(), payer, cost, what, metadata) as charge:
                yield charge

        # The inner one ends with the endpoint, before the answer is sent; the outer one
        # spares users from writing scope="function" each time, and from forgetting it.
        async def require_credits(
            charge: Charge = Depends(charging, scope="function"),  # noqa: B008
        ) -> Charge:
            return charge

        return require_credits

    def _client(self) -> AsyncCredits:
        if self._given is not None:
            return self._given
        entry = self._open.get(asyncio.get_running_loop())
        if entry is None:
            raise RuntimeError(
                "the paywall has no client, because the app's lifespan has not run: call "
                "paywall.install(app), and in tests use `with TestClient(app) as client:`"
            )
        return entry.client

    def _make(self) -> AsyncCredits:
        options: dict[str, Any] = {**self._options}
        if "url" in options:
            return AsyncCredits.from_url(**options)
        if "token" in options:
            raise InvalidRequestError("a token goes with its url=…")
        return AsyncCredits.from_env(**options)


def _user_id(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(
            f"the paywall's user dependency answered a {type(value).__name__}, not the id of "
            f"the user as a str; without a user it raises HTTPException(401)"
        )
    return value


def _endpoint(connection: HTTPConnection) -> str:
    """The name of the endpoint as an action for the log; "request" if it cannot be one."""
    name = str(getattr(connection.scope.get("route"), "name", ""))
    try:
        return validation.action(name.strip()[: validation.MAX_ACTION_CHARS].strip())
    except InvalidRequestError:
        return "request"
