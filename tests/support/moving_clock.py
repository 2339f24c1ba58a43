"""A server clock that a test can move: the scripts with another clock in the place of theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from credits_core import scripts
from credits_core.scripts import Script, assemble

if TYPE_CHECKING:
    import pytest

KEY = "test:clock"
"""How far the clock is moved, in ms; absent for not at all."""

LUA = f"""
local time = redis.call('TIME')
local moved = tonumber(redis.call('GET', '{KEY}') or '0')
local stamp = string.format('%.3f', time[1] * 1000 + time[2] / 1000 + moved)
local now = tonumber(stamp)
"""


def install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every script read the movable clock."""
    for name, script in list(vars(scripts).items()):
        if isinstance(script, Script):
            monkeypatch.setattr(scripts, name, assemble(script.name, clock=LUA))
