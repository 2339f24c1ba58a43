"""A real uvicorn for the tour and for the page, in one loop with the tour's client."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

import uvicorn

from credits_fastapi.demo.page import link
from credits_fastapi.demo.tour import Toured, run_tour

if TYPE_CHECKING:
    import socket
    from collections.abc import Coroutine
    from types import FrameType

    from fastapi import FastAPI

    from credits_fastapi.demo.presenters import Presenter

__all__ = ["tour_and_serve"]

T = TypeVar("T")


def tour_and_serve(
    app: FastAPI,
    sock: socket.socket,
    address: str,
    user_id: str,
    presenter: Presenter,
    *,
    once: bool,
) -> bool:
    """Serve `app`, take the tour, and unless `once` go on serving until Ctrl-C.

    Answers whether the tour was as it should be; a tour broken off by Ctrl-C was not.
    """
    right = False

    async def run() -> None:
        nonlocal right
        server = _Server(_config(app))
        serving = asyncio.create_task(server.serve(sockets=[sock]))
        try:
            if not await _started(server, serving):
                return
            taken = await server.unless_stopped(run_tour(address, user_id, presenter))
            if taken is None:
                return
            stay = not once and not server.should_exit
            page = address + link("/account", user=user_id) if stay else None
            toured = Toured(taken, address, page)
            right = toured.right
            presenter.ended(toured)
            if stay:
                await serving
        finally:
            server.should_exit = True
            await serving

    try:
        asyncio.run(run())
    except KeyboardInterrupt:
        # The server has ended in good order; uvicorn raises the signal again afterwards.
        presenter.stopped()
    return right


class _Server(uvicorn.Server):
    """A server whose end by a signal breaks off what asks it."""

    _asking: asyncio.Task[Any] | None = None

    async def unless_stopped(self, asking: Coroutine[Any, Any, T]) -> T | None:
        """What `asking` answers; None when a signal came first."""
        task = self._asking = asyncio.create_task(asking)
        await asyncio.wait([task])
        return None if task.cancelled() else task.result()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End the server, as uvicorn does, and what asks it."""
        super().handle_exit(sig, frame)
        if self._asking is not None:
            self._asking.get_loop().call_soon_threadsafe(self._asking.cancel)


def _config(app: FastAPI) -> uvicorn.Config:
    # A browser keeps its connection open: nobody waits for it at the end.
    return uvicorn.Config(
        app, log_level="warning", access_log=False, ws="none", timeout_graceful_shutdown=3
    )


async def _started(server: uvicorn.Server, serving: asyncio.Task[None]) -> bool:
    while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    return server.started
