"""The site under test, once for each framework."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.adapters.paths.sites import FRAMEWORKS, Framework, Site

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.servers import Server

_SERVED_BY = ("fastapi", "flask_gthread", "django_wsgi_gthread", "django_asgi")


@pytest.fixture(
    scope="session",
    params=[one for one in FRAMEWORKS if one.name in _SERVED_BY],
    ids=lambda one: one.name,
)
def framework(request: pytest.FixtureRequest) -> Framework:
    chosen: Framework = request.param
    return chosen


@pytest.fixture(scope="session")
def site(framework: Framework, server: Server) -> Iterator[Site]:
    with Site(framework, server.url) as running:
        yield running
