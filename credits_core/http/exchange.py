"""A request and its answer as a route of ours sees them, whatever framework they came through."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from credits_core.http.steps import Steps

__all__ = ["MAX_BODY", "Answer", "Asked", "Handler", "Route", "Who", "answer"]

MAX_BODY: Final = 64 * 1024
"""Bytes that the body of a request has at most, unless its route says otherwise."""


class Answer(NamedTuple):
    """An answer: the HTTP status, the headers (content type included) and the body.

    The body is a mapping, which is JSON still to be written, or a text, such as a page.
    """

    status: int
    headers: Mapping[str, str]
    body: Any

    @property
    def content(self) -> str:
        """The body as it is sent.

        >>> answer({"balance": 5}).content
        '{"balance": 5}'
        """
        return self.body if isinstance(self.body, str) else json.dumps(self.body)


def answer(body: Mapping[str, Any], status: int = 200) -> Answer:
    """An answer of JSON, which is of this moment and of this user: no cache may keep it."""
    headers = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    return Answer(status, headers, body)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: who asks, by the app's own auth, and what came with it, which nobody checked.

    `query` has the first value of each name; the names of `headers` are in lower case, and `body`
    is the bytes as they came.
    """

    user_id: str | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)


class Who(Enum):
    """Who may ask a route. The adapter sees to it, by the app's own functions."""

    USER = "user"
    """Who is signed in: `Asked.user_id` is that user."""
    ADMIN = "admin"
    """Whom the app lets administer credits: `Asked.user_id` is that person. By default nobody."""
    ANYBODY = "anybody"
    """No auth of the app's: the route is open, or checks a secret or a signature itself."""


Handler: TypeAlias = "Callable[[Asked], Steps[Answer]]"
"""Answers a request; a `CreditsError` that leaves it is answered as a problem."""


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path, of the account API or of a webhook."""

    name: str
    method: str
    path: str
    who: Who
    handler: Handler
    operation: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """What an OpenAPI document says of it: an Operation Object
    (https://spec.openapis.org/oas/v3.1.0#operation-object)."""
    max_body: int = MAX_BODY
    """Bytes of a body that are read at most; of what is longer nothing is looked at."""
