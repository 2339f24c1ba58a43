"""Requests with an `Idempotency-Key`: the digest of their bodies, and their answers again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flask import Response, request
from werkzeug.datastructures import Headers

from credits_core.http.body_digest import BodyDigest
from credits_core.http.idempotency import HEADER, key_of
from credits_core.http.under_key import Sent

if TYPE_CHECKING:
    from credits_core.http.idempotency import AnswerAgain

__all__ = ["DigestedInput", "answer_again"]

KEY: Final = f"HTTP_{HEADER.upper().replace('-', '_')}"
"""Where the header stands in a WSGI environment."""


class DigestedInput:
    """`wsgi.input` of a request with a key: takes the digest of what is read from it.

    The app may have read it before the charge asks: a form that was parsed for its CSRF token.
    """

    def __init__(self, stream: Any, content_type: str | None) -> None:
        self._stream = stream
        self._digest = BodyDigest(content_type)

    def read(self, *size: int) -> bytes:
        """As of the input (PEP 3333)."""
        return self._seen(self._stream.read(*size))

    def readline(self, *size: int) -> bytes:
        """As of the input (PEP 3333)."""
        return self._seen(self._stream.readline(*size))

    def readlines(self, *hint: int) -> list[bytes]:
        """As of the input (PEP 3333)."""
        return [self._seen(line) for line in self._stream.readlines(*hint)]

    def __iter__(self) -> Any:
        return map(self._seen, self._stream)

    def sent(self) -> Sent:
        """What the request that is being served is known by."""
        key = key_of(request.headers[HEADER])
        request.get_data()  # what is left of the body; Flask keeps it for the view
        target = f"{request.root_path}{request.path}?{request.query_string.decode('latin-1')}"
        return Sent(key, target, self._digest.hexdigest())

    def _seen(self, data: bytes) -> bytes:
        self._digest.update(data)
        return data


def answer_again(found: AnswerAgain) -> Response:
    """The answer that was kept, as it was."""
    response = Response(found.body, found.status)
    response.headers = Headers(found.headers)
    return response
