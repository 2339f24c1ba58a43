"""A server for the tests of the helpers, and what stands before it."""

from collections.abc import Iterator

import httpx
import pytest
import redis

from tests.support.calls import client_of
from tests.support.proxy import Proxy
from tests.support.rest import RestServer
from tests.support.servers import Server


@pytest.fixture(scope="module")
def shared_server() -> Iterator[Server]:
    with Server() as server:
        yield server


@pytest.fixture
def server(shared_server: Server) -> Server:
    shared_server.call("FLUSHALL")
    shared_server.call("SCRIPT", "FLUSH")
    return shared_server


@pytest.fixture
def proxy(server: Server) -> Iterator[Proxy]:
    with Proxy(server) as proxy:
        yield proxy


@pytest.fixture
def rest(server: Server) -> Iterator[RestServer]:
    with RestServer(server.url, token="secret") as rest:
        yield rest


@pytest.fixture
def client(proxy: Proxy) -> Iterator[redis.Redis]:
    with client_of(proxy.url) as client:
        client.ping()
        yield client


@pytest.fixture
def http(rest: RestServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=rest.url, headers={"Authorization": "Bearer secret"}) as http:
        yield http
