"""Settles the charges of a request by what is answered to it: the one who sees every answer.

Under WSGI and ASGI, for views of both kinds. A fixed price is settled before the last piece of
the answer leaves, a hold when it has left: a worker that dies in between has charged nothing for
what nobody got. What fails is given back before it is answered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from asgiref.sync import iscoroutinefunction, markcoroutinefunction

from credits_core.errors import BackendError, CreditsError
from credits_core.http.idempotency import AnswerAgain
from credits_django.answers import answer_again, answer_error
from credits_django.bodies import head_of_stream, settle_when_closed, settle_with_the_body
from credits_django.conf import conf
from credits_django.connection import SCOPE_KEY
from credits_django.keyed import KeyedBody
from credits_django.request import RequestCredits

if TYPE_CHECKING:
    from collections.abc import Callable

    from credits_core.charge.tab import Ending

__all__ = ["PATH", "CreditsMiddleware"]

PATH: Final = "credits_django.middleware.CreditsMiddleware"


class CreditsMiddleware:
    """Puts `request.credits` on a request, settles its charges, and answers errors of credits.

    Put it first in `MIDDLEWARE`: then it sees the answer that leaves.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[Any], Any]) -> None:
        """Wrap the rest of the app. A server does not start with a setting that is wrong."""
        conf()
        self._get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: Any) -> Any:
        """Run the rest of the app, and end what it charged."""
        if hasattr(request, "credits"):  # it stands in MIDDLEWARE twice
            return self._get_response(request)
        state = request.credits = RequestCredits(request)
        state.keyed = KeyedBody.of(request)
        if (scope := getattr(request, "scope", None)) is not None:
            scope[SCOPE_KEY] = state.connection
        return self._arun(request, state) if self._is_async else self._run(request, state)

    def process_exception(self, request: Any, error: Exception) -> Any:
        """Answer what a view raised, if it is an error of credits."""
        if isinstance(error, AnswerAgain):
            return answer_again(error)
        return answer_error(request, error) if isinstance(error, CreditsError) else None

    def _run(self, request: Any, state: RequestCredits) -> Any:
        try:
            response = self._get_response(request)
        except BaseException as error:
            state.end(_broken(error), error)
            raise
        if not state.charges and state.keyed is None:
            return response
        return self._answered(request, response, state)

    def _answered(self, request: Any, response: Any, state: RequestCredits) -> Any:
        ending, streams = _ending(request, response, state)
        if not streams:
            try:
                state.settle(ending)
            except BackendError as error:
                # Served while the store is away, and not written down: nobody would pay.
                ending, response = "failed", answer_error(request, error)
        _tell(response, state)
        if streams:
            settle_with_the_body(response, state)
            return response
        if state.keyed is not None:
            state.keyed.end(served=ending == "served")
        settle_when_closed(response, state)
        return response

    async def _arun(self, request: Any, state: RequestCredits) -> Any:
        try:
            response = await self._get_response(request)
        except BaseException as error:
            if not isinstance(error, Exception):
                state.connection.leave()
            await state.aend(_broken(error), error)
            raise
        if not state.charges and state.keyed is None:
            return response
        return await state.connection.answered(self._aanswered(request, response, state))

    async def _aanswered(self, request: Any, response: Any, state: RequestCredits) -> Any:
        ending, streams = _ending(request, response, state)
        if not streams:
            try:
                await state.asettle(ending)
            except BackendError as error:
                # Served while the store is away, and not written down: nobody would pay.
                ending, response = "failed", answer_error(request, error)
        _tell(response, state)
        if streams:
            settle_with_the_body(response, state)
            return response
        if state.keyed is not None:
            await state.keyed.aend(served=ending == "served")
        settle_when_closed(response, state)
        return response


def _broken(error: BaseException) -> Ending:
    # Django answers what a view raises; what gets here broke off, as a client that leaves does.
    return "failed" if isinstance(error, Exception) else "left"


def _ending(request: Any, response: Any, state: RequestCredits) -> tuple[Ending, bool]:
    """How the work ended, and whether it is its stream that ends it."""
    ending = state.ending(response.status_code)
    if ending != "served" or not response.streaming:
        return ending, False
    if request.method == "HEAD":
        return head_of_stream(response), False
    return ending, True


def _tell(response: Any, state: RequestCredits) -> None:
    for name, value in state.headers(whole=not response.streaming):
        response[name] = value
    if state.keyed is not None:
        state.keyed.start(response)
        if not response.streaming:
            state.keyed.whole(response.content)
