"""What a web framework does for a route: see who asks, read the request, and no more than that."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from credits_core.http.exchange import Asked, Who
from credits_core.http.problems import problem_details

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from credits_core.http.exchange import Answer, Route

__all__ = [
    "announces_more",
    "asked_of",
    "has_body",
    "named",
    "not_signed_in",
    "read_request",
    "refusal",
    "too_large",
]

_PIECE: Final = 64 * 1024
_LENGTH: Final = re.compile("[0-9]{1,18}")


def refusal(route: Route, asker: object) -> Answer | None:
    """Why who asks may not, or None if they may.

    `asker` is what the app's own function answers for the request: the id of the user, or of the
    admin, None for nobody. Raises `TypeError` for what is no id, which is a mistake of the app.
    """
    if route.who is Who.ANYBODY:
        return None
    if asker is not None and not isinstance(asker, str):
        raise TypeError(
            f"the app says that {type(asker).__name__} asks, not the id of the {route.who.value} "
            f"as a str"
        )
    if asker:
        return None
    if route.who is Who.ADMIN:
        detail = "Only whom the app lets administer credits may do this."
        return problem_details(403, "not-an-admin", "Not an admin", detail)
    return not_signed_in()


def not_signed_in() -> Answer:
    """The answer to nobody."""
    return problem_details(401, "not-signed-in", "Not signed in", "Sign in first.")


def named(routes: Iterable[Route]) -> Iterator[tuple[str, Route]]:
    """The routes, each with a name that no other has: `balance`, `balance_2`."""
    told: dict[str, int] = {}
    for route in routes:
        number = told[route.name] = told.get(route.name, 0) + 1
        yield (route.name if number == 1 else f"{route.name}_{number}"), route


def has_body(route: Route) -> bool:
    """Whether the body of its requests is read: that of others has no meaning (RFC 9110, 9.3)."""
    return route.method not in ("GET", "HEAD", "DELETE")


def announces_more(length: str | None, limit: int) -> bool:
    """Whether a Content-Length is of more bytes than a limit; what is no length announces none.

    >>> announces_more("65537", 65536), announces_more(None, 65536), announces_more("-1", 65536)
    (True, False, False)
    """
    if length is None or not (digits := length.strip()).isascii() or not digits.isdigit():
        return False
    return not _LENGTH.fullmatch(digits) or int(digits) > limit


def read_request(
    route: Route,
    asker: object,
    query: bytes,
    headers: Iterable[tuple[str, str]],
    read: Callable[[int], bytes],
) -> Asked | Answer:
    """A request for the handler of a route, or the answer that refuses it; `read` reads its body.

    See `refusal` for `asker`.
    """
    if (refused := refusal(route, asker)) is not None:
        return refused
    asked = asked_of(asker, query, headers)
    if not has_body(route):
        return asked
    if announces_more(asked.headers.get("content-length"), route.max_body):
        return too_large(route.max_body)
    try:
        body = read_up_to(read, route.max_body)
    except OSError:  # the client has left, or sends in disorder
        return _broken_off()
    return too_large(route.max_body) if body is None else replace(asked, body=body)


def read_up_to(read: Callable[[int], bytes], limit: int) -> bytes | None:
    """All that a stream has, or None where that is more than a limit: the rest stays unread."""
    pieces: list[bytes] = []
    left = limit + 1
    while left > 0 and (piece := read(min(left, _PIECE))):
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces) if left > 0 else None


def too_large(limit: int) -> Answer:
    """The answer to a body that is longer than its route reads."""
    detail = f"The body is of at most {limit} bytes."
    return problem_details(413, "body-too-large", "Body too large", detail)


def _broken_off() -> Answer:
    detail = "The body ended before its end, or in disorder."
    return problem_details(400, "body-broken-off", "Body broken off", detail)


def asked_of(
    asker: object, query: bytes, headers: Iterable[tuple[str, str]], body: bytes = b""
) -> Asked:
    """A request as a handler gets it.

    Of a query that names something twice the first is taken; lines of a header that is there
    several times are joined, as WSGI servers do it.

    >>> asked_of("alice", b"limit=5&limit=9", [("X-Id", "1"), ("x-id", "2")])
    Asked(user_id='alice', query={'limit': '5'})
    """
    values: dict[str, str] = {}
    for name, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
        values.setdefault(name, value)
    lines: dict[str, str] = {}
    for name, value in headers:
        key = name.lower()
        lines[key] = f"{lines[key]},{value}" if key in lines else value
    return Asked(asker if isinstance(asker, str) else None, values, lines, body)
