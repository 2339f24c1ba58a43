"""Any sequence of operations, by anyone, at any time, against the ledger of `ledger.py`."""

from __future__ import annotations

from tests.model.readers import Readers
from tests.model.revocations import Revocations
from tests.model.stories import Stories
from tests.model.world import World


class LedgerMachine(Stories, Revocations, Readers, World):
    """All the rules; a subclass says on which stage."""
