"""A server with a password, and breakable ways to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.faults.helpers import PASSWORD, TOKEN, Line
from tests.support.proxy import Proxy
from tests.support.rest import RestServer
from tests.support.servers import Server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator


@pytest.fixture(scope="session")
def store() -> Iterator[Server]:
    """A real server that these tests share and that none of them breaks."""
    with Server("--requirepass", PASSWORD) as running:
        yield running


@pytest.fixture(scope="module")
def quiet() -> Iterator[Server]:
    """A real server with no other connections than the test's own."""
    with Server("--requirepass", PASSWORD) as running:
        yield running


@pytest.fixture
def fragile() -> Iterator[Server]:
    """A real server of the test's own, to freeze or to kill."""
    with Server("--requirepass", PASSWORD, persistent=True) as running:
        yield running


@pytest.fixture
def proxy(store: Server) -> Iterator[Proxy]:
    with Proxy(store) as running:
        yield running


@pytest.fixture(scope="session")
def shared_gateway(store: Server) -> Iterator[RestServer]:
    with RestServer(store.url, token=TOKEN) as running:
        yield running


@pytest.fixture
def gateway(shared_gateway: RestServer) -> Iterator[RestServer]:
    """The REST API in front of the shared server, without faults."""
    yield shared_gateway
    shared_gateway.clear()


@pytest.fixture(params=[False, True], ids=["async", "sync"])
def sync(request: pytest.FixtureRequest) -> bool:
    chosen: bool = request.param
    return chosen


@pytest.fixture(params=["tcp", "rest"])
def line(request: pytest.FixtureRequest, sync: bool) -> Line:
    """A breakable way to the shared server."""
    name = "proxy" if request.param == "tcp" else "gateway"
    return Line(request.getfixturevalue(name), sync=sync)


@pytest.fixture(params=["tcp-async", "tcp-sync", "rest-async"])
def slow_line(request: pytest.FixtureRequest) -> Line:
    """A breakable way to the shared server, for tests that must wait."""
    kind, _, face = request.param.partition("-")
    name = "proxy" if kind == "tcp" else "gateway"
    return Line(request.getfixturevalue(name), sync=face == "sync")


@pytest.fixture
def wire(proxy: Proxy, sync: bool) -> Line:
    """A breakable way over TCP."""
    return Line(proxy, sync=sync)


@pytest.fixture
async def opened() -> AsyncIterator[Callable[[Any], Any]]:
    """Keeps clients that a test opens and closes them in the end."""
    clients: list[Any] = []

    def keep(client: Any) -> Any:
        clients.append(client)
        return client

    yield keep
    for client in clients:
        await client.aclose()
