"""Settles the charges of a request by what is answered to it: the one who sees every answer.

It is WSGI middleware and no `after_request`, which does not see an exception that is propagated,
nor how a stream ends, nor what another `after_request` makes of the answer. What is answered in
one piece is settled before its headers leave, so that they can tell the cost; what is answered
piece by piece is settled after its last piece, or when it breaks off.
"""

from __future__ import annotations

import json
from itertools import chain
from typing import TYPE_CHECKING, Any

from werkzeug.wsgi import ClosingIterator

from credits_core.errors import BackendError
from credits_core.http.bodies import PaidBody
from credits_core.http.idempotency import MAX_BODY, AnswerKeeper
from credits_core.http.problems import problem
from credits_flask.requests import RequestCharges

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from credits_core.charge.tab import Ending
    from credits_flask.site import Site

__all__ = ["ChargesMiddleware"]


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
            answer.broken("failed", error)
            raise
        except BaseException as error:
            answer.broken("left", error)
            raise
        finally:
            request.leave()


class _Answer:
    """The answer to a request, as it leaves."""

    def __init__(self, request: RequestCharges, start_response: Any, *, head: bool) -> None:
        self._request = request
        self._start_response = start_response
        self._head = head
        self._keeper: AnswerKeeper | None = None
        self._instead: bytes | None = None
        self._whole = False

    def start(
        self, status: str, headers: list[tuple[str, str]], exc_info: Any = None
    ) -> Callable[[bytes], object]:
        """The app tells the status and the headers, in the place of `start_response`."""
        request = self._request
        request.answered = True
        if request.charges:
            try:
                ending = self._settled(int(status[:3]), headers)
                headers = [*headers, *request.headers()]
                if ending == "served" and request.keyed is not None:
                    self._keeper = AnswerKeeper(int(status[:3]), headers)
            except BackendError as error:
                status, headers = self._unpayable(error)
        if self._keeper is None:
            self._end_key(None)
        write: Callable[[bytes], object] = self._start_response(status, headers, exc_info)
        return write

    def body(self, pieces: Iterable[bytes]) -> Iterable[bytes]:
        """What the server is to send."""
        if self._instead is not None:
            _close(pieces)
            return [] if self._head else [self._instead]
        if self._request.charges and not self._whole:
            return _Body(pieces, self._request, self._keeper, self._end_key)
        if self._keeper is not None:
            return self._kept(pieces, self._keeper)
        return pieces

    def broken(self, ending: Ending, error: BaseException) -> None:
        """The app raised: there is no answer."""
        try:
            self._request.end(ending, error)
        finally:
            self._end_key(None)

    def _settled(self, status: int, headers: list[tuple[str, str]]) -> Ending:
        """How it ends; what does not come piece by piece has ended."""
        request = self._request
        ending = request.ending(status)
        self._whole = ending == "failed" or _told(status, headers)
        if self._head and not self._whole:
            ending, self._whole = "left", True  # nothing of the stream is sent
        if self._whole:
            request.end(ending)
        return ending

    def _unpayable(self, error: BackendError) -> tuple[str, list[tuple[str, str]]]:
        """Answer that it cannot be charged, in the place of an answer that nobody would pay."""
        told = problem(error)
        self._instead = json.dumps(told.body).encode()
        return "503 SERVICE UNAVAILABLE", [*told.headers.items()]

    def _kept(self, pieces: Iterable[bytes], keeper: AnswerKeeper) -> Iterable[bytes]:
        """A body that is there is kept before it leaves: who has it may ask again at once."""
        source, first, size = iter(pieces), list[bytes](), 0
        try:
            for piece in source:
                keeper.add(piece)
                first.append(piece)
                size += len(piece)
                if size > MAX_BODY:
                    break
        except BaseException:
            _close(pieces)
            raise
        self._end_key(keeper)
        return ClosingIterator(chain(first, source), [lambda: _close(pieces)])

    def _end_key(self, answer: AnswerKeeper | None) -> None:
        keyed, self._request.keyed = self._request.keyed, None
        if keyed is not None:
            keyed.end(answer)


class _Body(PaidBody):
    """The pieces of a stream, which its charges pay for, kept for who asks again."""

    def __init__(
        self,
        pieces: Iterable[bytes],
        request: RequestCharges,
        keeper: AnswerKeeper | None,
        end_key: Callable[[AnswerKeeper | None], None],
    ) -> None:
        super().__init__(
            pieces, request, lambda ending: end_key(keeper if ending == "served" else None)
        )
        self._request = request
        self._keeper = keeper

    def __next__(self) -> bytes:
        with self._request.inside():
            piece = super().__next__()
        if self._keeper is not None:
            self._keeper.add(piece)
        return piece


def _told(status: int, headers: Iterable[tuple[str, str]]) -> bool:
    """Whether an answer comes in one piece: its length is told, or it has no content."""
    return status in (204, 205, 304) or any(name.lower() == "content-length" for name, _ in headers)


def _close(pieces: Iterable[bytes]) -> None:
    if (close := getattr(pieces, "close", None)) is not None:
        close()
