"""The contract's fixtures: a client of each flavour."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.flavours import FLAVOURS, STORES, Flavour, Places

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

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
