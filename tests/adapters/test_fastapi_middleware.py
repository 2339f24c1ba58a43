"""Middleware of the app's own, inside and outside of the one that settles; mounted apps."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.responses import StreamingResponse
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware

from credits_core import Credits
from credits_fastapi import Charge, Paywall
from tests.adapters.paths.books import GIVEN_BACK, PAID, log, spent, wait_for
from tests.adapters.test_fastapi_faults import start_request
from tests.adapters.test_fastapi_support import Served, client_of
from tests.support.servers import Server


async def signed_in(request: Request) -> str:
    return request.headers["X-User"]


async def dispatch(request: Request, call_next: Callable[[Request], Awaitable[Any]]) -> Response:
    response: Response = await call_next(request)
    response.headers["X-Seen"] = "1"
    return response


Add = Callable[[FastAPI], None]
ADDED: list[Any] = [
    pytest.param(lambda app: app.add_middleware(GZipMiddleware, minimum_size=10), id="gzip"),
    pytest.param(lambda app: app.add_middleware(BaseHTTPMiddleware, dispatch=dispatch), id="base"),
    pytest.param(lambda app: app.add_middleware(CORSMiddleware, allow_origins=["*"]), id="cors"),
]


async def pieces(count: int, pause: float, fail: bool) -> AsyncIterator[str]:
    for number in range(count):
        await asyncio.sleep(pause)
        yield f"data: {number} {'x' * 50}\n\n"
    if fail:
        raise ValueError("it broke")


def make_app(url: str, add: Add, where: str) -> FastAPI:
    app, paywall = FastAPI(), Paywall(signed_in, url=url, timeout=10)
    if where == "inside":
        add(app)
    paywall.install(app)
    if where == "outside":
        add(app)
    fixed = Depends(paywall.require_credits(10, "fixed"))
    held = Depends(paywall.hold_credits(4, "held"))

    @app.post("/ok", dependencies=[fixed])
    async def ok() -> str:
        return "done " * 100

    @app.get("/held")
    async def settled(charge: Annotated[Charge, held]) -> str:
        charge.settle(3)
        return "done"

    @app.get("/broken", dependencies=[fixed])
    async def broken() -> None:
        raise KeyError("the endpoint broke")

    @app.get("/stream", dependencies=[fixed])
    async def stream(fail: bool = False) -> StreamingResponse:
        return StreamingResponse(pieces(3, 0, fail))

    @app.get("/metered")
    async def metered(charge: Annotated[Charge, held], count: int = 3) -> StreamingResponse:
        return StreamingResponse(charge.stream(pieces(count, 0.02, fail=False), 1))

    return app


@pytest.fixture(params=ADDED)
def add(request: pytest.FixtureRequest) -> Add:
    chosen: Add = request.param
    return chosen


@pytest.fixture(params=["inside", "outside"])
def served(request: pytest.FixtureRequest, server: Server, add: Add) -> Any:
    with Served(make_app(server.url, add, request.param)) as running:
        yield running


def test_each_way_out_is_the_same_under_other_middleware(
    served: Served, credits: Credits, payer: str
) -> None:
    as_payer = {"X-User": payer, "Origin": "http://other"}
    keyed = {**as_payer, "Idempotency-Key": "k"}
    first, again = (served.http.post("/ok", headers=keyed) for _ in range(2))
    assert first.headers["Credits-Cost"] == again.headers["Credits-Cost"] == "10"
    assert first.json() == again.json() == "done " * 100
    assert again.headers["Idempotency-Replayed"] == "true"
    for name in ("X-Seen", "Access-Control-Allow-Origin", "Content-Encoding"):
        assert first.headers.get_list(name) == again.headers.get_list(name)
    assert served.http.get("/held", headers=as_payer).headers["Credits-Cost"] == "3"
    assert served.http.get("/broken", headers=as_payer).status_code == 500
    assert served.http.get("/stream", headers=as_payer).text.count("data: ") == 3
    assert served.http.get("/metered", headers=as_payer).text.count("data: ") == 3
    wait_for(lambda: credits.get_account(payer).held == 0)
    assert spent(credits, payer) == 10 + 3 + 10 + 3


def test_a_stream_that_breaks_is_given_back_under_other_middleware(
    request: pytest.FixtureRequest, served: Served, credits: Credits, payer: str
) -> None:
    with start_request(served, "/stream?fail=1", payer) as connection:
        while b"data: 2" not in (seen := connection.recv(65536)):
            assert seen
    # `BaseHTTPMiddleware` ends a stream well that broke inside of it, so that nobody further out
    # can tell: it belongs outside, which is where it is when it is added after the install.
    masked = "inside-base" in request.node.name
    wait_for(lambda: log(credits, payer) == (PAID if masked else GIVEN_BACK))


def test_a_reader_that_leaves_pays_what_it_got_under_other_middleware(
    served: Served, credits: Credits, payer: str
) -> None:
    with start_request(served, "/metered?count=90", payer) as connection:
        seen = b""
        while b"data: 1" not in seen:
            seen += connection.recv(1000)
    wait_for(lambda: credits.get_account(payer).held == 0)
    assert 0 < spent(credits, payer) < 60


def test_a_mounted_app_without_an_install_of_its_own_serves_nothing_for_nothing(
    server: Server, credits: Credits, payer: str
) -> None:
    app, sub, paywall = FastAPI(), FastAPI(), Paywall(signed_in, url=server.url, timeout=10)
    paywall.install(app)
    sub.post("/ok", dependencies=[Depends(paywall.require_credits(10, "fixed"))])(lambda: "ok")
    sub.post("/big", dependencies=[Depends(paywall.require_credits(1000, "big"))])(lambda: "no")
    app.mount("/sub", sub)
    with client_of(app) as http:
        as_payer = {"X-User": payer}
        assert http.post("/sub/ok", headers=as_payer).headers["Credits-Cost"] == "10"
        assert http.post("/sub/big", headers=as_payer).status_code >= 400
    assert log(credits, payer) == PAID


def test_a_mounted_app_under_an_app_without_one_is_settled_by_its_own(
    server: Server, credits: Credits, payer: str
) -> None:
    app, sub, paywall = FastAPI(), FastAPI(), Paywall(signed_in, url=server.url, timeout=10)
    paywall.install(sub)
    sub.post("/ok", dependencies=[Depends(paywall.require_credits(10, "fixed"))])(lambda: "ok")
    sub.post("/big", dependencies=[Depends(paywall.require_credits(1000, "big"))])(lambda: "no")
    app.mount("/sub", sub)
    app.router.lifespan_context = paywall.lifespan
    with client_of(app) as http:
        as_payer = {"X-User": payer}
        assert http.post("/sub/ok", headers=as_payer).headers["Credits-Cost"] == "10"
        assert http.post("/sub/big", headers=as_payer).status_code == 402
    assert log(credits, payer) == PAID


def test_without_any_install_it_is_an_error_and_nothing_is_charged(
    server: Server, credits: Credits, payer: str
) -> None:
    app, paywall = FastAPI(), Paywall(signed_in, url=server.url, timeout=10)
    app.get("/", dependencies=[Depends(paywall.require_credits(10, "fixed"))])(lambda: "ok")
    with client_of(app) as http:
        assert http.get("/", headers={"X-User": payer}).status_code == 500
    assert log(credits, payer) == []


def test_the_same_key_on_routes_of_other_routers_and_mounts_is_another(
    server: Server, credits: Credits, payer: str
) -> None:
    app, paywall = FastAPI(), Paywall(signed_in, url=server.url, timeout=10)
    paywall.install(app)
    fixed = Depends(paywall.require_credits(10, "fixed"))
    for name in ("one", "two"):
        router, sub = APIRouter(), FastAPI()
        paywall.install(sub)
        for target in (router, sub):
            target.post("/same", dependencies=[fixed])(lambda: "ok")
        app.include_router(router, prefix=f"/{name}")
        app.mount(f"/mounted-{name}", sub)
    with client_of(app) as http:
        headers = {"X-User": payer, "Idempotency-Key": "k"}
        for place in ("/one", "/two", "/mounted-one", "/mounted-two"):
            for _ in range(2):
                assert http.post(f"{place}/same", headers=headers).status_code == 200
    assert spent(credits, payer) == 40
