"""Settles the charges of a request by what is answered to it: the one who sees every answer.

It is WSGI middleware and no `after_request`, which does not see an exception that is propagated,
nor how a stream ends, nor what another `after_request` makes of the answer. What is answered in
one piece is settled before its headers leave, so that they can tell the cost; what is answered
piece by piece is settled after its last piece, or when it breaks off.
"""

from __future__ import annotations

import json
import math
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, NoReturn

from credits_core.errors import BackendError
from credits_core.http.bodies import PaidBody
from credits_core.http.idempotency import AnswerKeeper
from credits_core.http.problems import problem
from credits_flask.requests import RequestCharges

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from credits_flask.site import Site

__all__ = ["ChargesMiddleware"]

_NO_CONTENT: Final = (204, 205, 304)


class ChargesMiddleware:
    """WSGI middleware that `FlaskCredits.init_app` puts around `app.wsgi_app`."""

    def __init__(self, app: Callable[..., Iterable[bytes]], site: Site) -> None:
        self._app = app
        self._site = site

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Run the app, and end what it charged."""
        self._site.serving()
        request = RequestCharges(self._site, environ)
        answer = _Answer(request, start_response, head=environ["REQUEST_METHOD"] == "HEAD")
        try:
            return answer.body(self._app(environ, answer.start))
        except Exception as error:
            request.end("failed", error)
            raise
        except BaseException as error:
            request.end("left", error)
            raise
        finally:
            request.leave()


class _Answer:
    """The answer to a request: its beginning waits until it is known what it costs."""

    def __init__(self, request: RequestCharges, start_response: Any, *, head: bool) -> None:
        self._request = request
        self._start_response = start_response
        self._head = head
        self._told: tuple[str, list[tuple[str, str]], Any] | None = None

    def start(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        """What the app calls in the place of `start_response`."""
        request = self._request
        request.answered = True
        if not request.charges:
            request.end("failed")
            return self._start_response(status, headers, exc_info)
        self._told = status, headers, exc_info
        return _no_write

    def body(self, pieces: Iterable[bytes]) -> Iterable[bytes]:
        """What the server is to send."""
        source = _Pieces(pieces)
        try:
            if not self._request.answered:
                source.peek()  # an app that is a generator begins with its first piece
            if self._told is None:
                return source if source.peeked else pieces
            return self._begun(source, *self._told)
        except BaseException:
            source.close()
            raise

    def _begun(
        self, source: _Pieces, status: str, headers: list[tuple[str, str]], exc_info: Any
    ) -> Iterable[bytes]:
        """Settle what can be settled before the headers leave, and let them go."""
        request, code = self._request, int(status[:3])
        ending, length = request.ending(code), _length(headers)
        whole = (
            ending == "failed"
            or code in _NO_CONTENT
            or (length is not None and (self._head or source.peek() >= length))
        )
        if self._head and not whole:
            ending = "left"  # nothing of the stream is sent
        try:
            if ending != "served":
                request.end(ending)
            elif whole:
                request.served()
        except BackendError as error:
            return self._instead(source, error)
        headers = [*headers, *request.headers(whole=whole)]
        keeper = None
        if ending == "served" and request.keyed:
            keeper = AnswerKeeper(code, headers)
        self._start_response(status, headers, exc_info)
        if not request.open and keeper is None:
            return source
        return _Body(source, request, keeper, 0 if whole and length is None else length)

    def _instead(self, source: _Pieces, error: BackendError) -> Iterable[bytes]:
        """Answer that it cannot be charged, in the place of an answer that nobody would pay."""
        source.close()
        self._request.end("failed")
        told = problem(error)
        self._start_response("503 SERVICE UNAVAILABLE", [*told.headers.items()])
        return [] if self._head else [json.dumps(told.body).encode()]


class _Pieces:
    """The pieces of an answer, the first of which may be looked at before it leaves."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = pieces
        self._rest = iter(pieces)
        self._close = getattr(pieces, "close", None)
        self.peeked = False

    def peek(self) -> float:
        """The length of the first piece; where there is none, nothing more can come."""
        self.peeked = True
        first = next(self._rest, None)
        if first is None:
            return math.inf
        self._rest = chain((first,), self._rest)
        return len(first)

    def __iter__(self) -> Iterator[bytes]:
        return self._rest

    def close(self) -> None:
        """Close what the app answered, once."""
        close, self._close = self._close, None
        if close is not None:
            close()


class _Body(PaidBody):
    """Pieces that the charges of a request pay for, kept for who asks again."""

    def __init__(
        self,
        pieces: _Pieces,
        request: RequestCharges,
        keeper: AnswerKeeper | None,
        length: int | None,
    ) -> None:
        super().__init__(
            pieces,
            request,
            lambda ending: request.end_key(keeper if ending == "served" else None),
        )
        self._request = request
        self._keeper = keeper
        self._left = math.inf if length is None else length

    def __next__(self) -> bytes:
        with self._request.inside():
            piece = super().__next__()
        if self._keeper is not None:
            self._keeper.add(piece)
        self._left -= len(piece)
        if self._left <= 0:
            # Before it leaves: who has it all may ask again at once.
            self._request.served()
            self._request.end_key(self._keeper)
        return piece

    def close(self) -> None:
        """End it; what was handed over as a whole is served, whether the client took it or not."""
        if self._left <= 0:
            self._end("served")
        super().close()


def _length(headers: Iterable[tuple[str, str]]) -> int | None:
    """The length of the content, where it is told."""
    return next((int(value) for name, value in headers if name.lower() == "content-length"), None)


def _no_write(_data: bytes) -> NoReturn:
    raise RuntimeError("a paid answer is what the app returns, not what it writes")
