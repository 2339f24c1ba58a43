"""The kinds of endpoints and answers that FastAPI has, each paid as it should be."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import FileResponse, JSONResponse, StreamingResponse

from credits_core import Credits
from credits_fastapi import Charge, Paywall
from tests.adapters.paths.books import GIVEN_BACK, PAID, log, spent, wait_for
from tests.adapters.test_fastapi_support import Served, client_of
from tests.support.servers import Server


async def signed_in(request: Request) -> str:
    return request.headers["X-User"]


def make_app(url: str, folder: Path) -> FastAPI:
    app, paywall = FastAPI(), Paywall(signed_in, url=url, timeout=10)
    paywall.install(app)
    fixed = Depends(paywall.require_credits(10, "fixed"))
    add_answers(app, fixed, folder)
    add_decorated(app, paywall)
    add_generators(app, paywall)
    return app


def add_answers(app: FastAPI, fixed: Any, folder: Path) -> None:
    @app.api_route("/any", methods=["GET", "HEAD", "OPTIONS"], dependencies=[fixed])
    async def answer() -> str:
        return "answer"

    @app.get("/file", dependencies=[fixed])
    async def file() -> FileResponse:
        return FileResponse(folder / "file")

    @app.get("/missing-file", dependencies=[fixed])
    async def missing_file() -> FileResponse:
        return FileResponse(folder / "missing")

    @app.get("/not-modified", dependencies=[fixed])
    async def not_modified() -> Response:
        return Response(status_code=304, headers={"ETag": '"1"'})

    @app.get("/moved", dependencies=[fixed])
    async def moved() -> Response:
        return Response(status_code=307, headers={"Location": "/any"})

    @app.get("/own-headers", dependencies=[fixed])
    async def own_headers() -> Response:
        return JSONResponse("own", headers={"X-Own": "1"})


def add_decorated(app: FastAPI, paywall: Paywall) -> None:
    @app.get("/decorated")
    @paywall.charges(10, "fixed")
    async def decorated(charge: Charge, fail: bool = False) -> dict[str, Any]:
        if fail:
            raise HTTPException(418)
        return {"amount": charge.amount}

    @app.get("/decorated-sync")
    @paywall.charges(10, "fixed")
    def decorated_sync(fail: bool = False) -> str:
        if fail:
            raise HTTPException(418)
        return "sync"

    @app.get("/decorated-hold")
    @paywall.holds(20, "held")
    async def decorated_hold(charge: Charge, used: int) -> int:
        charge.settle(used)
        return charge.amount

    @app.get("/decorated-hold-sync")
    @paywall.holds(20, "held")
    def decorated_hold_sync(used: int, charge: Charge) -> int:
        charge.settle(used)
        return charge.amount

    @app.get("/decorated-with-request")
    @paywall.charges(10, "fixed")
    async def with_request(request: Request, charge: Charge) -> str:
        return f"{request.url.path} {charge.amount}"


def add_generators(app: FastAPI, paywall: Paywall) -> None:
    @app.get("/generator", response_class=StreamingResponse)
    @paywall.charges(10, "fixed")
    async def generator(pieces: int = 2, fail: bool = False) -> AsyncIterator[str]:
        for _ in range(pieces):
            yield "piece "
        if fail:
            raise ValueError("it broke")

    @app.get("/generator-sync", response_class=StreamingResponse)
    @paywall.charges(10, "fixed")
    def generator_sync(pieces: int = 2, fail: bool = False) -> Iterator[str]:
        for _ in range(pieces):
            yield "piece "
        if fail:
            raise ValueError("it broke")


@pytest.fixture(scope="module")
def served(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("files")
    (folder / "file").write_bytes(os.urandom(300_000))
    with Served(make_app(server.url, folder)) as running:
        yield running


def ask(served: Served, path: str, user: str, method: str = "GET") -> httpx.Response:
    return served.http.request(method, path, headers={"X-User": user})


def told(response: httpx.Response) -> tuple[str | None, str | None]:
    return response.headers.get("Credits-Cost"), response.headers.get("Credits-Remaining")


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_each_method_that_an_endpoint_serves_is_paid(
    served: Served, credits: Credits, payer: str, method: str
) -> None:
    response = ask(served, "/any", payer, method)
    assert (response.status_code, told(response)) == (200, ("10", "90"))
    assert log(credits, payer) == PAID


@pytest.mark.parametrize(
    ("path", "status"), [("/file", 200), ("/not-modified", 304), ("/moved", 307)]
)
def test_other_answers_below_400_are_paid_and_tell_so(
    served: Served, credits: Credits, payer: str, path: str, status: int
) -> None:
    response = ask(served, path, payer)
    assert (response.status_code, told(response)) == (status, ("10", "90"))
    assert log(credits, payer) == PAID


def test_a_file_that_is_not_there_is_given_back(
    served: Served, credits: Credits, payer: str
) -> None:
    assert ask(served, "/missing-file", payer).status_code >= 400
    wait_for(lambda: log(credits, payer) == GIVEN_BACK)


def test_a_part_of_a_file_is_paid_and_a_part_that_is_not_there_is_not(
    served: Served, credits: Credits, payer: str
) -> None:
    headers = {"X-User": payer, "Range": "bytes=10-19"}
    part = served.http.get("/file", headers=headers)
    assert (part.status_code, len(part.content), told(part)) == (206, 10, ("10", "90"))
    headers["Range"] = "bytes=900000-900001"
    assert served.http.get("/file", headers=headers).status_code == 416
    assert log(credits, payer) == [*PAID, *GIVEN_BACK]


def test_headers_of_the_endpoints_own_stay(served: Served, payer: str) -> None:
    response = ask(served, "/own-headers", payer)
    assert (response.headers["X-Own"], told(response)) == ("1", ("10", "90"))


def test_a_decorated_endpoint_is_paid_or_given_back(
    served: Served, credits: Credits, payer: str
) -> None:
    assert ask(served, "/decorated", payer).json() == {"amount": 10}
    assert ask(served, "/decorated-sync", payer).json() == "sync"
    for path in ("/decorated", "/decorated-sync"):
        assert ask(served, f"{path}?fail=1", payer).status_code == 418
    assert log(credits, payer) == [*PAID, *PAID, *GIVEN_BACK, *GIVEN_BACK]


@pytest.mark.parametrize("path", ["/decorated-hold", "/decorated-hold-sync"])
def test_a_decorated_hold_is_settled(
    served: Served, credits: Credits, payer: str, path: str
) -> None:
    response = ask(served, f"{path}?used=7", payer)
    assert (response.json(), told(response)) == (20, ("7", None))
    wait_for(lambda: credits.get_account(payer).held == 0)
    assert spent(credits, payer) == 7


def test_what_fastapi_checks_before_the_endpoint_costs_nothing(
    served: Served, credits: Credits, payer: str
) -> None:
    assert ask(served, "/decorated-hold?used=x", payer).status_code == 422
    assert spent(credits, payer) == 0


def test_a_charge_is_given_beside_the_request(served: Served, payer: str) -> None:
    assert ask(served, "/decorated-with-request", payer).json() == "/decorated-with-request 10"


@pytest.mark.parametrize("path", ["/generator", "/generator-sync"])
def test_a_generator_endpoint_is_a_stream_that_is_paid(
    served: Served, credits: Credits, payer: str, path: str
) -> None:
    assert ask(served, path, payer).text == "piece piece "
    assert log(credits, payer) == PAID


@pytest.mark.parametrize("path", ["/generator", "/generator-sync"])
@pytest.mark.parametrize("pieces", [0, 2])
def test_a_generator_endpoint_that_breaks_is_given_back(
    served: Served, credits: Credits, payer: str, path: str, pieces: int
) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        ask(served, f"{path}?fail=1&pieces={pieces}", payer)
    wait_for(lambda: log(credits, payer) == GIVEN_BACK)


@pytest.mark.parametrize(("status", "paid"), [(404, True), (500, False)])
def test_the_app_may_say_what_a_failure_is(
    server: Server, credits: Credits, payer: str, status: int, paid: bool
) -> None:
    app = FastAPI()
    paywall = Paywall(signed_in, url=server.url, timeout=10, fails_on=lambda status: status >= 500)
    paywall.install(app)

    @app.get("/", dependencies=[Depends(paywall.require_credits(10, "fixed"))])
    async def endpoint() -> None:
        raise HTTPException(status)

    with client_of(app) as http:
        response = http.get("/", headers={"X-User": payer})
    assert told(response)[0] == ("10" if paid else "0")
    assert log(credits, payer) == (PAID if paid else GIVEN_BACK)
