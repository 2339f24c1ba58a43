"""Time stands still until the machine moves it, on the server, here, and in TypeScript apps; and
ids are drawn by a lot of the game's own. So the ledger knows each instant, and a game can be
played again to the last byte.
"""

from __future__ import annotations

import random
from types import SimpleNamespace
from typing import TYPE_CHECKING

from credits_core import clock, entries, executor, flights, scripts
from credits_core.scripts import Script, assemble
from tests.support import typescript
from tests.support.moving_clock import KEY

if TYPE_CHECKING:
    import pytest

LUA = f"""
local stamp = redis.call('GET', '{KEY}')
local now = tonumber(stamp)
"""

lot = random.Random(0)
"""What ids are drawn from; every game begins it anew."""


def install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every script read the clock of the machine, ms with three decimals."""
    for name, script in list(vars(scripts).items()):
        if isinstance(script, Script):
            monkeypatch.setattr(scripts, name, assemble(script.name, clock=LUA))
    for module in (clock, executor, flights):
        monkeypatch.setattr(module, "monotonic_ms", lambda: 0.0)
    monkeypatch.setattr(entries, "os", SimpleNamespace(urandom=lot.randbytes))
    monkeypatch.setattr(typescript, "time", SimpleNamespace(time_ns=lambda: 0))
