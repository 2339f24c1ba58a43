"""The account API as a blueprint of Flask."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

from flask import Blueprint, Response, request

from credits_core.errors import CreditsError
from credits_core.http.exchange import Answer, Who
from credits_core.http.mounting import named, read_request
from credits_core.http.steps import run
from credits_flask.answers import answer_error
from credits_flask.site import current_site

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from credits_core.http.exchange import Route

__all__ = ["BLUEPRINT", "blueprint_of"]

BLUEPRINT: Final = "credits_api"
"""The name of the blueprint: `url_for("credits_api.balance")`."""


def blueprint_of(routes: Iterable[Route]) -> Blueprint:
    """A blueprint that has these routes, for an app that charges."""
    blueprint = Blueprint(BLUEPRINT, __name__)
    for endpoint, route in named(routes):
        blueprint.add_url_rule(route.path, endpoint, _view(route), methods=[route.method])
    return blueprint


def _view(route: Route) -> Callable[[], Response]:
    def view() -> Response:
        headers, read = request.headers.items(), _reader(route.max_body)
        asked = read_request(route, _asker(route.who), request.query_string, headers, read)
        if isinstance(asked, Answer):
            return _response(asked)
        try:
            return _response(run(current_site().client, route.handler(asked)))
        except CreditsError as error:
            return answer_error(error)

    # Extensions that exempt views from CSRF protection know them by these names.
    view.__name__ = f"for_{route.who.value}"
    return view


def _asker(who: Who) -> Any:
    site = current_site()
    if who is Who.USER:
        return site.user_id()
    return site.admin_id() if who is Who.ADMIN else None


def _reader(limit: int) -> Callable[[int], bytes]:
    length = request.content_length
    if length is not None and length <= limit:
        return BytesIO(request.get_data()).read  # which a hook of the app's may have read before
    return request.stream.read


def _response(answer: Answer) -> Response:
    return Response(answer.content, answer.status, answer.headers)
