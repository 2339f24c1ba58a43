"""The contract's fixtures: a client of each flavour, its store and clock, and accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from credits_core import Credits
from tests.contract.clock import Clock, movable
from tests.contract.flavours import FLAVOURS, STORES, Flavour, Places
from tests.contract.folding import Kept
from tests.contract.store import Store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from tests.support.rest import RestServer
    from tests.support.servers import Server


@pytest.fixture(scope="session")
def places(server: Server, rest: RestServer) -> Places:
    return Places(server, rest)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What says `stores` runs on each store; all else in every way to reach it."""
    items[:] = [item for item in items if _wanted(item)]


def _wanted(item: pytest.Item) -> bool:
    if item.get_closest_marker("stores") is None or not isinstance(item, pytest.Function):
        return True
    callspec = getattr(item, "callspec", None)
    flavour = callspec.params.get("flavour") if callspec else None
    return flavour is None or flavour in STORES


@pytest.fixture(params=FLAVOURS, ids=lambda flavour: flavour.name)
def flavour(request: pytest.FixtureRequest) -> Flavour:
    chosen: Flavour = request.param
    return chosen


@pytest.fixture
async def open_credits(flavour: Flavour, places: Places) -> AsyncIterator[Callable[..., Any]]:
    """Opens clients of the flavour under test and closes them in the end."""
    opened: list[Any] = []

    def open_one(**options: Any) -> Any:
        opened.append(flavour.open(places, **({"timeout": 5.0} | options)))
        return opened[-1]

    yield open_one
    for client in opened:
        await client.aclose()


@pytest.fixture
def credits(open_credits: Callable[..., Any]) -> Any:
    """A client of the flavour under test."""
    return open_credits()


@pytest.fixture
def store(credits: Any) -> Store:
    """The store behind the client."""
    return Store(credits)


@pytest.fixture
async def clock(credits: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Clock]:
    """Moves the server's clock."""
    async with movable(credits, monkeypatch) as clock:
        yield clock


@pytest.fixture
def tcp(server: Server) -> Iterator[Credits]:
    """A client of the real server, whatever the flavour."""
    with Credits.from_url(server.url, timeout=10) as client:
        yield client


@pytest.fixture
def archive() -> Kept:
    return Kept()


@pytest.fixture
def pair(new_user: Callable[[], str]) -> tuple[str, str]:
    """Two users that no other test has."""
    return new_user(), new_user()


@pytest.fixture
async def rich(credits: Any, user: str) -> str:
    """The user, with 100 credits."""
    await credits.initialize_user(user, 100)
    return user


@pytest.fixture
async def charge(credits: Any, rich: str) -> Any:
    """A charge of 30 out of 100."""
    return await credits.deduct(rich, 30, "video")


@pytest.fixture
async def purchase(credits: Any, user: str) -> Any:
    """A purchase of 100 for an account that has nothing else."""
    return await credits.add(user, 100, "purchase", idempotency_key="pay")
