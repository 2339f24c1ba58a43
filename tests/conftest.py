"""Fixtures of all tests: a real server that the suite starts by itself, and names in it."""

from __future__ import annotations

import gc
import itertools
import ssl
import uuid
from typing import TYPE_CHECKING, Any

import certifi
import pytest
from hypothesis import HealthCheck, settings

from tests.support.rest import RestServer
from tests.support.servers import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import redis


# The same examples in every run, so that a change is what makes a test red; the soak of the model
# plays new ones. Speed is not what these tests are about: a first run builds tables for a second.
settings.register_profile(
    "same", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("same")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first, that no process is left alone with one in the end."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


def pytest_collection_finish() -> None:
    """Seventeen thousand tests live to the end: garbage is not looked for among them."""
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def authorities() -> Iterator[None]:
    """What httpx trusts, read once: 16 ms for each of thousands of clients, most of http://."""
    create, bundle = ssl.create_default_context, {"cafile": certifi.where()}
    shared = create(**bundle)

    def default_context(*args: Any, **kwargs: Any) -> ssl.SSLContext:
        return shared if not args and kwargs == bundle else create(*args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ssl, "create_default_context", default_context)
        yield


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """One real Redis or Valkey for tests that neither break nor flush it."""
    with Server() as running:
        yield running


@pytest.fixture(scope="session")
def rest(server: Server) -> Iterator[RestServer]:
    """A server that answers as Upstash's REST API does, in front of the real one."""
    with RestServer(server.url, token="secret-token") as running:
        yield running


@pytest.fixture
def raw(server: Server) -> Iterator[redis.Redis]:
    """A plain client of the real server, to look at and to tamper with what is stored."""
    client = server.client()
    yield client
    client.close()


@pytest.fixture
def new_user() -> Callable[[], str]:
    """Names of users that no other test has."""
    base = uuid.uuid4().hex[:8]
    numbers = itertools.count(1)
    return lambda: f"user-{base}-{next(numbers)}"


@pytest.fixture
def user(new_user: Callable[[], str]) -> str:
    """A user that no other test has."""
    return new_user()
