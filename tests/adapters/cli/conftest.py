"""A server that each test of the command line finds empty, and an account in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from credits_core import Credits
from tests.support.servers import Server

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def shared_server() -> Iterator[Server]:
    with Server() as server:
        yield server


@pytest.fixture
def server(shared_server: Server) -> Server:
    shared_server.call("FLUSHALL")
    return shared_server


@pytest.fixture
def opening() -> int:
    """What alice signs up with; a module may say otherwise."""
    return 100


@pytest.fixture
def ledger(server: Server, opening: int) -> Iterator[Credits]:
    with Credits.from_url(server.url, timeout=10) as ledger:
        ledger.initialize_user("alice", opening)
        yield ledger
