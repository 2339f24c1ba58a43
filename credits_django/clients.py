"""The clients of a process: one for sync code, one for each event loop; opened when needed.

A client for sync code passes a fork: each child connects by itself.
"""

from __future__ import annotations

import asyncio
import os
import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING

from django.core.signals import setting_changed

from credits_core import AsyncCredits, Credits
from credits_core.charge.pending import adrain
from credits_core.outage.background import collecting
from credits_django.conf import conf

if TYPE_CHECKING:
    from credits_django.conf import Conf

__all__ = ["aclient", "aclose", "client", "open_client", "reset"]


class _Open:
    """What is open in this process."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.sync: Credits | None = None
        self.loops: dict[asyncio.AbstractEventLoop, AsyncCredits] = {}
        self.replaced: list[tuple[asyncio.AbstractEventLoop, AsyncCredits]] = []
        """Clients of a setting that has changed since; they close with their loops."""
        self.background = ExitStack()
        self.collects = False
        self.of_parent: _Open | None = None


_open = _Open()


def client() -> Credits:
    """The client of this process for sync code; threads share it.

    Nothing is sent before its first call.
    """
    if _open.sync is None or not _open.collects:
        with _open.lock:
            if _open.sync is None:
                _open.sync = open_client(conf())
            if not _open.collects:
                _open.collects = True
                _open.background.enter_context(collecting(conf().outage, _open.sync))
    return _open.sync


def aclient() -> AsyncCredits:
    """The client of the event loop that runs."""
    loop = asyncio.get_running_loop()
    found = _open.loops.get(loop)
    if found is None:
        # Those whose loops have ended are let go of here.
        _open.loops = {one: kept for one, kept in _open.loops.items() if not one.is_closed()}
        _open.replaced = [one for one in _open.replaced if not one[0].is_closed()]
        if conf().outage is not None:
            client()  # whose thread collects for all
        found = _open.loops[loop] = _amake(conf())
    return found


async def aclose() -> None:
    """Close the client of this loop, after at most five seconds for what is being given back."""
    loop = asyncio.get_running_loop()
    mine = [client for one, client in _open.replaced if one is loop]
    _open.replaced = [one for one in _open.replaced if one[0] is not loop]
    if (found := _open.loops.pop(loop, None)) is not None:
        mine.append(found)
    for one in mine:
        await adrain(one)
        await one.aclose()


def reset() -> None:
    """Close the client for sync code, and forget the others, which close with their loops."""
    global _open
    old, _open = _open, _Open()
    _open.replaced = [*old.replaced, *old.loops.items()]
    old.background.close()
    if old.sync is not None:
        old.sync.close()


def open_client(settings: Conf) -> Credits:
    """A client for sync code, as the settings say; nothing is sent."""
    if settings.backend is not None:
        return Credits(settings.backend(), **settings.client_options)
    if settings.url is None:
        return Credits.from_env(**settings.client_options)
    return Credits.from_url(settings.url, token=settings.token, **settings.client_options)


def _amake(settings: Conf) -> AsyncCredits:
    if settings.async_backend is not None:
        return AsyncCredits(settings.async_backend(), **settings.client_options)
    if settings.url is None:
        return AsyncCredits.from_env(**settings.client_options)
    return AsyncCredits.from_url(settings.url, token=settings.token, **settings.client_options)


def _changed(*, setting: str, **_: object) -> None:
    if setting == "CREDITS":
        reset()


def _forked() -> None:
    # Loops and threads stay in the parent; the client for sync code comes along.
    global _open
    old, _open = _open, _Open()
    _open.sync = old.sync
    _open.of_parent = old  # its thread is none of this process: it is left alone


setting_changed.connect(_changed, dispatch_uid="credits_django.clients")
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
