"""Asking the account API without a web framework, by both clients."""

from __future__ import annotations

import json
from typing import Any

from credits_core import AsyncCredits, Credits, CreditsError
from credits_core.http.exchange import Answer, Asked
from credits_core.http.problems import problem
from credits_core.http.steps import arun, run


def route_of(api: Any, name: str, method: str | None = None) -> Any:
    """The first route of a name."""
    return next(
        route for route in api.routes if route.name == name and method in (None, route.method)
    )


def asked(
    user: str | None = None, query: dict[str, str] | None = None, body: Any = None, **headers: str
) -> Asked:
    """A request; a body that is no bytes is sent as JSON."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    text = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    return Asked(user, query or {}, named, text)


async def ask(client: Any, route: Any, request: Asked) -> Answer:
    """The answer as an adapter gives it, to a client of either kind."""
    client = getattr(client, "sync", client)
    try:
        if isinstance(client, AsyncCredits):
            return await arun(client, route.handler(request))
        assert isinstance(client, Credits)
        return run(client, route.handler(request))
    except CreditsError as error:
        return problem(error)
