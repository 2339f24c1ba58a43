"""Refusals: a handler raises one from wherever it finds it, and it becomes the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from credits_core.http.mounting import not_signed_in
from credits_core.http.problems import problem_details

if TYPE_CHECKING:
    from credits_core.http.exchange import Answer, Asked, Handler
    from credits_core.http.steps import Steps

__all__ = ["Refused", "answering", "user_of", "wrong_parameter"]


class Refused(Exception):  # noqa: N818 - no error: the way out for an answer
    """The request is refused; `answer` says why."""

    def __init__(self, answer: Answer) -> None:
        """Carry the answer."""
        super().__init__(answer.status)
        self.answer = answer


def answering(handler: Handler) -> Handler:
    """The handler, with its refusals as answers."""

    def steps(asked: Asked) -> Steps[Answer]:
        try:
            answer = yield from handler(asked)
        except Refused as refused:
            return refused.answer
        return answer

    return steps


def user_of(asked: Asked) -> str:
    """Who asks. The app's auth says it, and nothing that came with the request."""
    if not asked.user_id:
        raise Refused(not_signed_in())
    return asked.user_id


def wrong_parameter(name: str, detail: str) -> Refused:
    """The refusal of a parameter of the query or a header; it is named."""
    answer = problem_details(
        400, "invalid-parameter", "Invalid parameter", f"{name} is {detail}.", parameter=name
    )
    return Refused(answer)
