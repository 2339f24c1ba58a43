"""An ASGI app that ends in good order, where the server speaks the lifespan protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from credits_django.clients import aclose
from credits_django.connection import SCOPE_KEY

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["with_lifespan"]


def with_lifespan(app: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """Wrap `get_asgi_application()`, which knows no lifespan.

    When the server stops, the client of its loop is closed, after at most five seconds for
    charges that are being given back. And what Django drops is ended: it closes no answer whose
    client has left before.

        application = with_lifespan(get_asgi_application())
    """

    async def wrapped(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            try:
                await app(scope, receive, send)
            finally:
                if (connection := scope.get(SCOPE_KEY)) is not None:
                    connection.leave()
            return
        while (message := await receive())["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        await aclose()
        await send({"type": f"{message['type']}.complete"})

    return wrapped
