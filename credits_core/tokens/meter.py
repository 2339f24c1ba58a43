"""Counts the tokens of streamed answers, chunk by chunk."""

from __future__ import annotations

from credits_core.tokens.reading import bearer, counts, get
from credits_core.tokens.usage import TokenUsage

__all__ = ["UsageMeter"]


class UsageMeter:
    """Knows at any moment what streamed answers have used, as far as they have told.

    Feed it every chunk or event; a complete answer is one, too. Reports of one answer replace
    each other, for their counts are cumulative; answers (told apart by their ids) add up, so an
    agent can use one meter for all its calls in turn. What streams at the same time takes a
    meter each.

    >>> meter = UsageMeter()
    >>> start = {"id": "msg_1", "usage": {"input_tokens": 25, "output_tokens": 1}}
    >>> meter.feed({"type": "message_start", "message": start})
    >>> meter.usage.input_tokens, meter.complete
    (25, False)
    >>> meter.feed({"type": "message_delta", "usage": {"output_tokens": 15}})
    >>> meter.usage.output_tokens, meter.complete
    (15, True)
    """

    __slots__ = ("_answers", "_current", "_open")

    def __init__(self) -> None:
        """Begin at nothing."""
        self._answers: dict[str, dict[str, int]] = {}
        self._open: set[str] = set()
        self._current = ""

    def feed(self, chunk: object) -> None:
        """Read a chunk, an event or an answer, in the forms that `read_usage` takes.

        Raises `InvalidRequestError` when a count is no int of 0 or more.
        """
        named = get(bearer(chunk), "id")
        stated = counts(chunk)
        if named:
            self._current = named
        if self._current not in self._answers and (named or stated):
            self._answers[self._current] = {}
            self._open.add(self._current)
        if stated:
            self._answers[self._current].update(stated)
            # A message_start foretells the input; of the output it knows next to nothing.
            if get(chunk, "type") != "message_start":
                self._open.discard(self._current)

    @property
    def usage(self) -> TokenUsage:
        """What has been reported so far, of all answers together."""
        return sum((TokenUsage(**stated) for stated in self._answers.values()), TokenUsage())

    @property
    def complete(self) -> bool:
        """Whether every answer has reported its output.

        False after a stream broke means that more was used than `usage` says. OpenAI reports all at
        the very end, Anthropic the input at the beginning and the output at the end.
        """
        return bool(self._answers) and not self._open
