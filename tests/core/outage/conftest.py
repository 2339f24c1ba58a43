"""A journal in a folder of its own, and a client that collects."""

from __future__ import annotations

import pytest

from credits_core import Credits
from credits_core.outage import OutageJournal


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "journal"


@pytest.fixture
def journal(folder):
    with OutageJournal(folder) as journal:
        yield journal


@pytest.fixture
def credits(server):
    with Credits.from_url(server.url, auto_initialize=True) as credits:
        yield credits
