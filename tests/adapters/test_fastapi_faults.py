"""Work that is broken off, and a store that is away, behind a real uvicorn."""

import asyncio
import errno
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis
from fastapi import Depends, FastAPI

from credits_core import Credits
from credits_core.outage import OutageJournal
from credits_fastapi import Paywall
from tests.adapters.test_fastapi import TAKEN_AND_GIVEN_BACK, get, log, make_app, signed_in
from tests.adapters.test_fastapi_support import Served
from tests.support.servers import Server


def wait_for(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.01)


class CancelsWhoLeaves:
    """A middleware, as apps have them, that cancels the work of a client that has gone."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        first = await receive()
        working = asyncio.create_task(self._app(scope, _again(first), send))
        leaving = asyncio.create_task(receive())
        await asyncio.wait([working, leaving], return_when=asyncio.FIRST_COMPLETED)
        for task in (leaving, working):
            task.cancel()
        await asyncio.wait([working, leaving])


def _again(message: Any) -> Callable[[], Any]:
    async def receive() -> Any:
        return message

    return receive


def start_request(served: Served, path: str, user: str) -> socket.socket:
    host, port = served.url.removeprefix("http://").split(":")
    connection = socket.create_connection((host, int(port)))
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nX-User: {user}\r\n\r\n".encode())
    return connection


def test_a_client_that_leaves_is_given_back_when_its_work_is_cancelled(
    server: Server, credits: Credits, payer: str
) -> None:
    with Served(CancelsWhoLeaves(make_app(server.url))) as served:
        with start_request(served, "/slow", payer):
            wait_for(lambda: log(credits, payer) == [(-10, "ten")])
        wait_for(lambda: log(credits, payer) == TAKEN_AND_GIVEN_BACK)


def test_work_that_a_stopping_server_breaks_off_is_given_back(
    server: Server, credits: Credits, payer: str
) -> None:
    with (
        Served(make_app(server.url), graceful_seconds=1) as served,
        start_request(served, "/slow", payer),
    ):
        wait_for(lambda: log(credits, payer) == [(-10, "ten")])
        served.stop()
    assert log(credits, payer) == TAKEN_AND_GIVEN_BACK


def test_a_store_that_is_away_is_503_and_comes_back() -> None:
    with Server(persistent=True) as own, Served(make_app(own.url)) as served:
        with Credits.from_url(own.url) as credits:
            credits.initialize_user("alice", 100)
        assert get(served, "/ok", "alice").status_code == 200
        own.kill()
        for path in ("/ok", "/hidden-cost?seconds=1"):
            response = get(served, path, "alice")
            assert response.status_code == 503
            assert response.headers["content-type"] == "application/problem+json"
            assert response.headers["retry-after"] == "5"
            assert str(own.port) not in response.text
        assert get(served, "/free", "alice").status_code == 200
        own.start()
        assert get(served, "/ok", "alice").json()["balance"] == 80


def test_a_frozen_store_serves_nothing_and_takes_nothing_in_the_end() -> None:
    with (
        Server() as own,
        Served(make_app(own.url)) as served,
        Credits.from_url(own.url) as credits,
    ):
        credits.initialize_user("alice", 100)
        get(served, "/ok", "alice")
        own.freeze()
        response = get(served, "/ok", "alice")
        own.thaw()
        assert (response.status_code, response.headers["retry-after"]) == (503, "5")
        wait_for(lambda: credits.get_balance("alice") == 90)
        served.stop()
        assert log(credits, "alice") in ([(-10, "ten")], [(-10, "ten"), *TAKEN_AND_GIVEN_BACK])


def test_an_account_that_cannot_be_worked_on_is_500_without_internals(
    server: Server, credits: Credits, payer: str, raw: redis.Redis
) -> None:
    raw.delete(f"txs:{payer}")
    raw.hset(f"txs:{payer}", "secret", "value")
    with Served(make_app(server.url)) as served:
        response = get(served, "/ok", payer)
    assert response.status_code == 500
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["type"] == "urn:credits-sdk:problem:account-state"
    assert payer not in response.text
    assert "hash" not in response.text
    raw.delete(f"txs:{payer}")


@pytest.mark.parametrize("kind", ["require_credits", "hold_credits"])
def test_what_an_outage_serves_and_cannot_write_down_is_not_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with Server() as own, OutageJournal(tmp_path / "journal") as journal:
        app = FastAPI()
        paywall = Paywall(signed_in, url=own.url, outage=journal)
        paywall.install(app)
        paid = getattr(paywall, kind)(10, "paid", outage_limit=30)
        app.get("/", dependencies=[Depends(paid)])(lambda: "done")
        with Served(app) as served:
            with Credits.from_url(own.url) as credits:
                credits.initialize_user("alice", 100)
            assert get(served, "/", "alice").status_code == 200
            own.kill()
            assert get(served, "/", "alice").json() == "done"
            with monkeypatch.context() as patch:
                patch.setattr(os, "fsync", full)
                response = get(served, "/", "alice")
            assert response.status_code == 503
            assert "done" not in response.text


@pytest.mark.parametrize("kind", ["require_credits", "hold_credits"])
def test_a_key_that_an_outage_served_is_not_served_and_charged_anew(
    tmp_path: Path, kind: str
) -> None:
    with Server(persistent=True) as own, OutageJournal(tmp_path / "journal") as journal:
        app = FastAPI()
        paywall = Paywall(signed_in, url=own.url, outage=journal)
        paywall.install(app)
        paid = getattr(paywall, kind)(10, "paid", outage_limit=30)
        app.get("/", dependencies=[Depends(paid)])(lambda: "done")
        with Served(app) as served, Credits.from_url(own.url, timeout=10) as credits:
            credits.initialize_user("alice", 100)
            keyed = {"X-User": "alice", "Idempotency-Key": "k"}
            own.kill()
            assert served.http.get("/", headers=keyed).json() == "done"
            assert served.http.get("/", headers=keyed).status_code == 409
            own.start()
            wait_for(lambda: credits.get_balance("alice") == 90 and not journal.pending)
            again = served.http.get("/", headers=keyed)
            assert (again.status_code, again.json()["title"]) == (409, "Answer not kept")
            assert credits.get_balance("alice") == 90
