"""A real uvicorn for the tour and for the page, in one loop with the tour's client."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import uvicorn

from credits_fastapi.demo.page import link
from credits_fastapi.demo.tour import run_tour

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Coroutine
    from types import FrameType
    from typing import Any

    from fastapi import FastAPI

    from credits_fastapi.demo.tour import Show

__all__ = ["tour_and_serve"]


def tour_and_serve(
    app: FastAPI,
    sock: socket.socket,
    address: str,
    user_id: str,
    show: Show,
    mark: Callable[[bool], str],
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
            if await _started(server, serving):
                right = await server.unless_stopped(run_tour(address, user_id, show, mark))
                if not once and not server.should_exit:
                    show(f"\nThe account: {address}{link('/account', user=user_id)}")
                    show("Serving until Ctrl-C.")
                    await serving
        finally:
            server.should_exit = True
            await serving

    try:
        asyncio.run(run())
    except KeyboardInterrupt:
        # The server has ended in good order; uvicorn raises the signal again afterwards.
        show("")
    return right


class _Server(uvicorn.Server):
    """A server whose end by a signal breaks off what asks it."""

    _asking: asyncio.Task[bool] | None = None

    async def unless_stopped(self, asking: Coroutine[Any, Any, bool]) -> bool:
        """What `asking` answers; False when a signal came first."""
        self._asking = asyncio.create_task(asking)
        await asyncio.wait([self._asking])
        return not self._asking.cancelled() and self._asking.result()

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
