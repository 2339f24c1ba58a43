"""The account API as routes of FastAPI."""

# Without `from __future__ import annotations`: FastAPI reads the annotations of the endpoint
# below, and closures are out of its sight when they are strings.

from collections.abc import Callable, Iterable
from copy import deepcopy
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from credits_core.async_client import AsyncCredits
from credits_core.errors import CreditsError
from credits_core.http.exchange import Answer, Route, Who
from credits_core.http.mounting import announces_more, asked_of, has_body, refusal, too_large
from credits_core.http.rules import Given
from credits_core.http.steps import arun
from credits_fastapi.answers import answer_error

__all__ = ["router_of"]


async def _nobody() -> None:
    return None


def router_of(
    routes: Iterable[Route], user: Given, admin: Given | None, client_of: Callable[[], AsyncCredits]
) -> APIRouter:
    """A router that has these routes; `user` and `admin` are dependencies of the app's own."""
    askers = {Who.USER: user, Who.ADMIN: admin or _nobody, Who.ANYBODY: _nobody}
    methods: dict[str, list[str]] = {}
    routes = [*routes]
    for route in routes:
        methods.setdefault(route.path, []).append(route.method)
    router = APIRouter()
    for route in routes:
        told = deepcopy(dict(route.operation))
        router.add_api_route(
            route.path,
            _endpoint(route, askers[route.who], client_of),
            methods=[route.method],
            route_class_override=_one_of(methods[route.path]),
            name=route.name,
            operation_id=told.get("operationId"),
            response_class=Response,
            response_model=None,
            openapi_extra=told,
        )
    return router


def _one_of(methods: list[str]) -> type[APIRoute]:
    """A route of a path that has these methods: an `Allow` names them all (RFC 9110, 15.5.6)."""

    class OneOf(APIRoute):
        async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
            if scope["method"] not in methods:
                raise HTTPException(405, headers={"Allow": ", ".join(methods)})
            await super().handle(scope, receive, send)

    return OneOf


def _endpoint(route: Route, asker: Given, client_of: Callable[[], AsyncCredits]) -> Given:
    async def endpoint(request: Request, credits_asker: Annotated[Any, Depends(asker)]) -> Response:
        refused = refusal(route, credits_asker)
        if refused is not None:
            return _response(refused)
        try:
            body = await _body(request, route.max_body) if has_body(route) else b""
        except ClientDisconnect:
            return Response(status_code=400)  # which nobody gets
        if body is None:
            return _response(too_large(route.max_body))
        query = request.scope["query_string"]
        asked = asked_of(credits_asker, query, request.headers.items(), body)
        try:
            return _response(await arun(client_of(), route.handler(asked)))
        except CreditsError as error:
            return await answer_error(request, error)

    return endpoint


async def _body(request: Request, limit: int) -> bytes | None:
    """The body, or None where it is longer than a limit: the rest of it stays unread."""
    if announces_more(request.headers.get("content-length"), limit):
        return None
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > limit:
            return None
    return bytes(body)


def _response(answer: Answer) -> Response:
    return Response(answer.content, answer.status, answer.headers)
