"""A real server, and a client of each kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from credits_core import AsyncCredits, Credits
from tests.adapters.webhooks.delivering import Sender

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.servers import Server


@pytest.fixture(params=["async", "sync"])
async def sender(request: pytest.FixtureRequest, server: Server) -> AsyncIterator[Sender]:
    if request.param == "async":
        async with AsyncCredits.from_url(server.url, timeout=5.0) as client:
            yield Sender(client)
    else:
        with Credits.from_url(server.url, timeout=5.0) as sync_client:
            yield Sender(sync_client)
