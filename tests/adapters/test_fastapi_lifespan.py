"""The life of the client: when it is opened, who may use it, when it is closed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Depends, FastAPI, Request

from credits_core import (
    AsyncCredits,
    BackendError,
    Credits,
    InvalidRequestError,
    PricingConfigError,
)
from credits_fastapi import Charge, ChargesMiddleware, Paywall, require_credits
from tests.adapters.test_fastapi_support import Served, client_of
from tests.support.servers import Server


async def signed_in(request: Request) -> str:
    return request.headers["X-User"]


def paid_app(paywall: Paywall, **options: Any) -> FastAPI:
    app = FastAPI(**options)

    @app.get("/ok")
    async def ok(
        charge: Annotated[Charge, Depends(paywall.require_credits(10))],
    ) -> int | None:
        return charge.balance

    return app


def test_the_apps_own_lifespan_runs_inside(server: Server, user: str) -> None:
    paywall, seen = Paywall(signed_in, url=server.url, timeout=10), []

    @asynccontextmanager
    async def own(app: FastAPI) -> AsyncIterator[dict[str, str]]:
        client = await paywall.client()
        seen.append((await client.initialize_user(user, 50)).balance)
        yield {"greeting": "hello"}
        seen.append(await client.get_balance(user))

    app = paid_app(paywall, lifespan=own)
    paywall.install(app)

    @app.get("/state")
    async def state(request: Request) -> str:
        return str(request.state.greeting)

    with Served(app) as served:
        assert served.http.get("/ok", headers={"X-User": user}).json() == 40
        assert served.http.get("/state").json() == "hello"
    assert seen == [50, 40]


async def test_the_client_is_closed_at_the_end_and_opened_anew(server: Server, user: str) -> None:
    paywall, clients = Paywall(signed_in, url=server.url, timeout=10), []
    app = FastAPI()
    paywall.install(app)
    for _ in range(2):
        async with app.router.lifespan_context(app):
            clients.append(await paywall.client())
            await clients[-1].initialize_user(user)
    assert clients[0] is not clients[1]
    for client in clients:
        with pytest.raises(BackendError, match="closed"):
            await client.get_balance(user)


async def test_two_apps_in_a_loop_share_the_client_until_the_last_ends() -> None:
    paywall = Paywall(signed_in, url="memory://")
    async with paywall.lifespan():
        async with paywall.lifespan():
            inner = await paywall.client()
        assert await paywall.client() is inner
        assert await inner.get_balance("alice") == 0


async def test_an_app_that_begins_while_the_last_one_ends_keeps_the_client() -> None:
    paywall, work_ends = Paywall(signed_in, url="memory://"), asyncio.Event()

    async def work() -> None:
        async with require_credits(await paywall.client(), "alice", 10, "chat"):
            await work_ends.wait()

    async def end(app: AbstractAsyncContextManager[None]) -> None:
        await app.__aexit__(None, None, None)

    first, second = paywall.lifespan(), paywall.lifespan()
    await first.__aenter__()
    client = await paywall.client()
    await client.initialize_user("alice", 100)
    working = asyncio.create_task(work())
    await asyncio.sleep(0.02)
    ending = asyncio.create_task(end(first))
    await asyncio.sleep(0.02)
    await second.__aenter__()
    work_ends.set()
    await asyncio.gather(working, ending)
    assert await paywall.client() is client
    assert await client.get_balance("alice") == 90
    await end(second)
    with pytest.raises(BackendError, match="closed"):
        await client.get_balance("alice")


def test_it_serves_as_the_lifespan_itself() -> None:
    paywall = Paywall(signed_in, url="memory://", auto_initialize=True, default_credits=30)
    app = paid_app(paywall, lifespan=paywall.lifespan)
    app.add_middleware(ChargesMiddleware)
    with client_of(app) as http:
        assert http.get("/ok", headers={"X-User": "alice"}).json() == 20


async def test_without_the_lifespan_it_says_what_to_do() -> None:
    paywall = Paywall(signed_in, url="memory://")
    app = paid_app(paywall)
    paywall.install(app)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://app") as http:
        with pytest.raises(RuntimeError, match="lifespan has not run"):
            await http.get("/ok", headers={"X-User": "alice"})


async def test_a_client_of_ones_own_stays_open() -> None:
    async with AsyncCredits.from_url("memory://") as credits:
        paywall = Paywall(signed_in, credits)
        app = FastAPI()
        paywall.install(app)
        assert await paywall.client() is credits
        async with app.router.lifespan_context(app):
            await credits.initialize_user("alice", 7)
        assert await credits.get_balance("alice") == 7


async def test_the_store_is_the_one_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    paywall = Paywall(signed_in, default_credits=3)
    monkeypatch.setenv("CREDITS_URL", "memory://")
    async with paywall.lifespan():
        assert (await (await paywall.client()).initialize_user("alice")).balance == 3
    monkeypatch.setenv("CREDITS_URL", "nonsense://")
    with pytest.raises(InvalidRequestError):
        async with paywall.lifespan():
            pytest.fail("it opened")


async def test_options_that_would_have_no_effect_are_refused() -> None:
    async with AsyncCredits.from_url("memory://") as credits:
        with pytest.raises(InvalidRequestError, match="prefix"):
            Paywall(signed_in, credits, prefix="x:")
    with pytest.raises(InvalidRequestError, match="token"):
        async with Paywall(signed_in, token="secret").lifespan():
            pytest.fail("it opened")


def test_what_is_given_is_checked_where_the_app_is_made() -> None:
    wrong: list[tuple[Any, dict[str, Any], str]] = [
        ("alice", {}, "user is the app's own dependency"),
        (signed_in, {"admin": "root"}, "admin is the app's own dependency"),
        (signed_in, {"client": Credits.from_url("memory://")}, "an AsyncCredits, not Credits"),
        (signed_in, {"top_up_url": 5}, "top_up_url is a str"),
    ]
    for user, options, message in wrong:
        with pytest.raises(InvalidRequestError, match=message):
            Paywall(user, **options)
    with pytest.raises(TypeError, match="argument 'defaultcredits'"):
        Paywall(signed_in, defaultcredits=3)  # type: ignore[call-arg]


def test_a_cost_or_an_action_that_is_none_fails_at_import() -> None:
    paywall = Paywall(signed_in, url="memory://")
    with pytest.raises(PricingConfigError):
        paywall.require_credits(-1)
    for cost in (1.5, True, "10", None):
        with pytest.raises(InvalidRequestError):
            paywall.require_credits(cost)  # type: ignore[arg-type]
    for action in ("", "x" * 65, "a\nb"):
        with pytest.raises(InvalidRequestError):
            paywall.require_credits(1, action)
    with pytest.raises(InvalidRequestError):
        paywall.require_credits(1, metadata={"not": object()})


async def test_a_charge_that_is_being_given_back_holds_up_the_end() -> None:
    paywall = Paywall(signed_in, url="memory://shutdown", auto_initialize=True)
    app = paid_app(paywall)
    paywall.install(app)

    @app.get("/slow", dependencies=[Depends(paywall.require_credits(10))])
    async def slow() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.2)  # an endpoint that is slow to go

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/slow",
        "headers": [(b"x-user", b"alice")],
        "query_string": b"",
    }

    async def nothing(*_: Any) -> Any:
        await asyncio.sleep(60)

    async with app.router.lifespan_context(app):
        request = asyncio.create_task(app(scope, nothing, nothing))
        await asyncio.sleep(0.1)
        request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    async with AsyncCredits.from_url("memory://shutdown") as credits:
        assert await credits.get_balance("alice") == 100
        assert len(await credits.get_transactions("alice")) == 3
