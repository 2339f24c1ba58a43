"""A project that charges on the real server, and its users."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.adapters.django.project import configure

configure()

from django.core.management import call_command  # noqa: E402 - of a project that is configured
from django.db import connections  # noqa: E402
from django.test import override_settings  # noqa: E402
from django.test.client import AsyncClient, Client  # noqa: E402
from django.test.utils import setup_test_environment, teardown_test_environment  # noqa: E402

from credits_django import clients  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from tests.support.servers import Server


@pytest.fixture(scope="session", autouse=True)
def _project() -> Iterator[None]:
    setup_test_environment()
    call_command("migrate", verbosity=0)
    yield
    clients.reset()
    connections.close_all()
    teardown_test_environment()


@pytest.fixture
def credits_setting(server: Server) -> dict[str, Any]:
    """The setting of the project: charged is on the real server."""
    return {"URL": server.url, "USER": "tests.adapters.django.views.user_of"}


@pytest.fixture(autouse=True)
def _charging(credits_setting: dict[str, Any]) -> Iterator[None]:
    with override_settings(CREDITS=credits_setting):
        yield


class _AsPayer(AsyncClient):
    """Django's own sends the headers of its constructor nowhere."""

    def __init__(self, payer: str) -> None:
        super().__init__(raise_request_exception=False)
        self._payer = payer

    async def request(self, **request: Any) -> Any:
        request["headers"] = [*request["headers"], (b"x-user", self._payer.encode())]
        return await super().request(**request)


@pytest.fixture
def http(payer: str) -> Client:
    """Somebody who asks by WSGI, as the payer."""
    return Client(headers={"X-User": payer}, raise_request_exception=False)


@pytest.fixture
async def ahttp(payer: str) -> AsyncIterator[AsyncClient]:
    """Somebody who asks by ASGI, as the payer."""
    yield _AsPayer(payer)
    await clients.aclose()


@pytest.fixture
def change(credits_setting: dict[str, Any]) -> Callable[..., override_settings]:
    """The setting with some keys changed, as a context."""
    return lambda **changes: override_settings(CREDITS={**credits_setting, **changes})
