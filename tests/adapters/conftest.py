"""A payer, and a client of the store beside the app under test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from credits_core import Credits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.servers import Server


@pytest.fixture
def credits(server: Server) -> Iterator[Credits]:
    with Credits.from_url(server.url, timeout=10) as client:
        yield client


@pytest.fixture
def payer(credits: Credits, user: str) -> str:
    credits.initialize_user(user, 100)
    return user
