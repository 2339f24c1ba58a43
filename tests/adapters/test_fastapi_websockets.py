"""WebSockets that cost credits: a conversation is what is paid."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI, WebSocket, WebSocketException
from fastapi.requests import HTTPConnection
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, InvalidStatus
from websockets.http11 import Response
from websockets.sync.client import ClientConnection, connect

from credits_core import Credits, HoldClosedError
from credits_fastapi import Charge, Paywall
from tests.adapters.paths.books import GIVEN_BACK, PAID, log, spent, wait_for
from tests.adapters.test_fastapi_support import Served
from tests.support.servers import Server


async def signed_in(connection: HTTPConnection) -> str:
    return connection.headers["X-User"]


def make_app(url: str) -> FastAPI:  # noqa: C901 - a list of endpoints
    app, paywall = FastAPI(), Paywall(signed_in, url=url, timeout=10)
    paywall.install(app)
    fixed = Depends(paywall.require_credits(10, "fixed"))
    big = Depends(paywall.require_credits(1000, "big"))
    held = Depends(paywall.hold_credits(20, "held"))

    @app.websocket("/talk")
    async def talk(socket: WebSocket, charge: Annotated[Charge, fixed]) -> None:
        await socket.accept()
        async for text in socket.iter_text():
            if text == "break":
                raise KeyError("the conversation broke")
            if text.startswith("close "):
                await socket.close(int(text.removeprefix("close ")))
                return
            await socket.send_text(f"{text} for {charge.amount}")

    @app.websocket("/raw")
    async def raw(socket: WebSocket, charge: Annotated[Charge, fixed]) -> None:
        await socket.accept()
        await socket.send_text(await socket.receive_text())
        await socket.receive_text()  # it raises when the client has gone

    @app.websocket("/refused")
    async def refused(socket: WebSocket, charge: Annotated[Charge, fixed]) -> None:
        raise WebSocketException(1008)

    @app.websocket("/closed-at-once")
    async def closed(socket: WebSocket, charge: Annotated[Charge, fixed]) -> None:
        await socket.close()

    @app.websocket("/big")
    async def never(socket: WebSocket, charge: Annotated[Charge, big]) -> None:
        raise AssertionError("served without pay")

    @app.websocket("/metered")
    async def metered(socket: WebSocket, charge: Annotated[Charge, held]) -> None:
        await socket.accept()
        async for text in socket.iter_text():
            if text == "break":
                raise HoldClosedError("closed", tx_id="tx", state="released", kept=0)
            await charge.aspend(30)
            await socket.send_text(text)

    @app.websocket("/push")
    async def push(socket: WebSocket, charge: Annotated[Charge, held]) -> None:
        await socket.accept()
        while True:
            await charge.aspend(1)
            await socket.send_text("tick")
            await asyncio.sleep(0.01)

    return app


@pytest.fixture(scope="module")
def served(server: Server) -> Iterator[Served]:
    with Served(make_app(server.url)) as running:
        yield running


@contextmanager
def talk(served: Served, path: str, user: str) -> Iterator[ClientConnection]:
    url = served.url.replace("http", "ws") + path
    with connect(url, additional_headers={"X-User": user}, proxy=None) as socket:
        yield socket


def refusal(served: Served, path: str, user: str) -> Response:
    with pytest.raises(InvalidStatus) as caught, talk(served, path, user):
        pytest.fail("it was let in")
    return caught.value.response


def closed_with(socket: ClientConnection) -> tuple[int, str]:
    with pytest.raises(ConnectionClosed) as caught:  # noqa: PT012 - until it is closed
        while True:
            socket.recv(5)
    assert caught.value.rcvd is not None
    return caught.value.rcvd.code, caught.value.rcvd.reason


def test_a_conversation_is_paid_when_its_client_closes(
    served: Served, credits: Credits, payer: str
) -> None:
    with talk(served, "/talk", payer) as socket:
        socket.send("hello")
        assert socket.recv(5) == "hello for 10"
        assert log(credits, payer) == PAID
    wait_for(lambda: not served.server.server_state.connections)
    assert log(credits, payer) == PAID


@pytest.mark.parametrize("path", ["/talk", "/raw"])
def test_a_conversation_is_paid_when_its_client_is_gone(
    served: Served, credits: Credits, payer: str, path: str
) -> None:
    with talk(served, path, payer) as socket:
        socket.send("hello")
        socket.recv(5)
        socket.socket.shutdown(2)
    wait_for(lambda: not served.server.server_state.connections)
    assert log(credits, payer) == PAID


def test_a_shortage_is_refused_at_the_handshake(
    served: Served, credits: Credits, payer: str
) -> None:
    response = refusal(served, "/big", payer)
    assert response.status_code == 402
    assert response.headers["Content-Type"] == "application/problem+json"
    assert json.loads(response.body or b"")["required"] == 1000
    assert log(credits, payer) == []


@pytest.mark.parametrize("path", ["/refused", "/closed-at-once"])
def test_what_the_app_refuses_at_the_handshake_is_given_back(
    served: Served, credits: Credits, payer: str, path: str
) -> None:
    assert refusal(served, path, payer).status_code == 403
    wait_for(lambda: log(credits, payer) == GIVEN_BACK)


def test_a_conversation_that_breaks_is_given_back(
    served: Served, credits: Credits, payer: str
) -> None:
    with talk(served, "/talk", payer) as socket:
        socket.send("hello")
        socket.send("break")
        with pytest.raises(ConnectionClosedError):  # noqa: PT012 - until it is closed
            while True:
                socket.recv(5)
    wait_for(lambda: log(credits, payer) == GIVEN_BACK)


@pytest.mark.parametrize(("code", "logged"), [(1000, PAID), (1008, PAID), (1011, GIVEN_BACK)])
def test_who_is_to_blame_for_the_end_is_told_by_its_code(
    served: Served, credits: Credits, payer: str, code: int, logged: Any
) -> None:
    with talk(served, "/talk", payer) as socket:
        socket.send(f"close {code}")
        assert closed_with(socket)[0] == code
    wait_for(lambda: log(credits, payer) == logged)


@pytest.mark.parametrize("path", ["/metered", "/push"])
def test_when_the_credits_run_out_the_conversation_is_closed_and_paid(
    served: Served, credits: Credits, payer: str, path: str
) -> None:
    with talk(served, path, payer) as socket:
        for number in range(4):
            socket.send(str(number))
        assert closed_with(socket) == (1008, "Insufficient credits")
    wait_for(lambda: credits.get_account(payer).held == 0)
    assert spent(credits, payer) == {"/metered": 90, "/push": 100}[path]


def test_another_refusal_in_the_middle_closes_it_too(
    served: Served, credits: Credits, payer: str
) -> None:
    with talk(served, "/metered", payer) as socket:
        socket.send("one")
        socket.send("break")
        assert closed_with(socket) == (1008, "Hold closed")
    wait_for(lambda: credits.get_account(payer).held == 0)
    assert spent(credits, payer) == 30


def test_what_was_used_is_paid_when_the_client_goes(
    served: Served, credits: Credits, payer: str
) -> None:
    with talk(served, "/push", payer) as socket:
        for _ in range(5):
            socket.recv(5)
    wait_for(lambda: credits.get_account(payer).held == 0)
    assert 5 <= spent(credits, payer) < 60


def test_when_the_store_goes_the_conversation_is_closed_and_paid_later() -> None:
    with Server(persistent=True) as own, Served(make_app(own.url)) as served:
        with Credits.from_url(own.url) as credits:
            credits.initialize_user("alice", 100)
            with talk(served, "/metered", "alice") as socket:
                socket.send("one")
                assert socket.recv(5) == "one"
                own.kill()
                socket.send("two")
                assert closed_with(socket) == (1013, "Credits unavailable")
                own.start()
            wait_for(lambda: credits.get_account("alice").held == 0)
            assert spent(credits, "alice") == 30
        own.kill()
        response = refusal(served, "/talk", "alice")
        assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
