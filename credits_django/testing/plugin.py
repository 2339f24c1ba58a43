"""A pytest plugin: the fixture `django_credits`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from credits_django.testing import memory_credits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from credits_core import Credits


@pytest.fixture
def django_credits() -> Iterator[Credits]:
    """An empty ledger in memory for this test: what the project charges, it shows."""
    with memory_credits() as credits:
        yield credits
