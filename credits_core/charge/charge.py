"""`Charge`: paid before the work begins, settled once however it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, overload

from credits_core.charge import streams
from credits_core.charge.growing import Growing
from credits_core.charge.nesting import enter, leave
from credits_core.errors import InvalidRequestError
from credits_core.pricing import Priced

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, Callable, Generator, Iterable
    from contextvars import Token
    from types import TracebackType
    from typing import Self

    from credits_core.async_client import AsyncCredits
    from credits_core.charge.streams import PieceCost
    from credits_core.charge.terms import Terms
    from credits_core.client import Credits
    from credits_core.pricing import Number

__all__ = ["Charge"]

T = TypeVar("T")


class Charge(Growing):
    """The charge around one piece of work, made by `require_credits` or `hold_credits`.

    It is a context manager: `with` for a `Credits`, `async with` for an `AsyncCredits`. What the
    work says of itself (`settle`, `refund`, `keep`, `meter`) sends nothing; one call settles it
    when the block ends, however it ends:

    - it returns: a fixed price stays; of a hold is kept what was settled or metered, or else the
      estimate;
    - it raises: everything is given back;
    - it is cancelled, or its generator is closed: what was delivered, metered or settled is paid,
      and nothing if that is nothing.

    Paid work inside paid work of the same user draws on the charge around it: a hold grows by its
    cost, a fixed price includes it.

    >>> from credits_core import Credits, hold_credits
    >>> credits = Credits.from_url("memory://", auto_initialize=True)
    >>> with hold_credits(credits, "alice", 50, "summary") as charge:
    ...     charge.amount, charge.balance
    ...     charge.settle(12.5)
    (50, 50)
    >>> charge.cost, charge.balance
    (13, 87)
    """

    __slots__ = ("_token",)

    def __init__(
        self, client: AsyncCredits | Credits, terms: Terms, *, threaded: bool = False
    ) -> None:
        """Use `require_credits`, `hold_credits` or `resume_hold`, which check the terms."""
        super().__init__(client, terms, threaded=threaded)
        self._token: Token[Charge | None] | None = None

    def __repr__(self) -> str:
        kind = "hold" if self.tab.held else "charge"
        return (
            f"<{kind} of {self.amount} credits of {self.user_id!r} for {self.action!r}: {self.id}>"
        )

    @property
    def user_id(self) -> str:
        """Who pays."""
        return self.terms.user_id

    @property
    def action(self) -> str:
        """What for, as the log names it."""
        return self.terms.action

    @property
    def amount(self) -> int:
        """What has been taken: the price, or what is held so far; in the end what it cost."""
        return self.tab.taken

    @property
    def cost(self) -> int:
        """What it costs as things stand, in whole credits; in the end what it did cost."""
        return self.tab.used if self.open else self.tab.taken

    def settle(self, actual: Number | Priced) -> None:
        """Say what the work cost; that much is kept when it ends, rounded up once.

        0 or more credits, fractions included, or a `Priced` action, of which the log keeps how
        much it was. Of a fixed price it is at most the price. What is more than a hold is taken
        from the balance, as far as there is any (`shortfall="take"`), or goes below the floor
        (`"owe"`). The last word counts. Raises `RuntimeError` when the charge has ended, as
        `refund`, `keep` and `meter` do.
        """
        self.must_be_open()
        if isinstance(actual, Priced):
            quote = actual.quote()
            self.tab.settle(quote.credits, quote.metadata)
        else:
            self.tab.settle(actual)

    def refund(self) -> None:
        """Say that the work costs nothing, although it succeeds."""
        self.must_be_open()
        self.tab.say("refund")

    def keep(self) -> None:
        """Say that the work costs what it costs, although it fails."""
        self.must_be_open()
        self.tab.say("keep")

    def meter(self, amount: Number) -> None:
        """Count what the work used, of a hold: credits, 0 or more, fractions included.

        It is summed exactly, and rounded up once at the end. It sends nothing, and so may pass
        what is held; `spend` and `aspend` see to it that it does not.
        """
        self.must_be_open()
        self.tab.meter(amount)

    def hand_over(self) -> str:
        """Leave the end to somebody else, and answer the id by which it is known.

        A worker or a webhook ends a hold: `credits.settle(user_id, id, actual)`, or
        `resume_hold(credits, user_id, id)` around its work. If nobody does, a hold expires. A
        fixed price is paid; `credits.refund(user_id, id)` gives it back.
        """
        if self.tab.counted:
            raise InvalidRequestError(
                "what this hold has paid or metered so far would be forgotten: settle it here, or "
                "hand it over before the work begins"
            )
        if self.id is None or not self.open:
            raise InvalidRequestError(
                "there is nothing to hand over: this charge is free, is paid by the charge around "
                "it, or is not open"
            )
        self.let_go()
        self.handed_over = True
        return self.id

    @overload
    def stream(
        self,
        pieces: AsyncIterable[T],
        piece_cost: PieceCost[T] | None = None,
        *,
        final: Callable[[Charge], T] | None = None,
    ) -> AsyncGenerator[T, None]: ...

    @overload
    def stream(
        self,
        pieces: Iterable[T],
        piece_cost: PieceCost[T] | None = None,
        *,
        final: Callable[[Charge], T] | None = None,
    ) -> Generator[T, None, None]: ...

    def stream(
        self,
        pieces: AsyncIterable[T] | Iterable[T],
        piece_cost: PieceCost[T] | None = None,
        *,
        final: Callable[[Charge], T] | None = None,
    ) -> AsyncGenerator[T, None] | Generator[T, None, None]:
        """Deliver pieces and meter them as they are delivered; the end of the stream settles.

        `piece_cost` is credits a piece, 0 or more, or a function of the piece; it needs a hold,
        which grows in steps. When the credits run out, the store is away or the hold has ended,
        the stream ends before the piece that nobody paid, and `cut_off` says why. `final` makes
        one more piece, free, of the charge as it ended. Who leaves pays for what was delivered;
        so does a stream of which each piece is paid when its source breaks.

        The stream may outlive the `with` block that it was made in, if it is handed out before
        its first piece is taken. Then close it: one that is dropped before it began is not
        settled, so that a fixed price stays and a hold expires.
        """
        self.must_be_open()
        if piece_cost is not None and not self.tab.held:
            raise InvalidRequestError("a fixed price has no cost a piece: use hold_credits")
        return streams.delivered(self, pieces, piece_cost, final)

    async def __aenter__(self) -> Self:
        await self.abegin()
        self._token = enter(self)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._leave(error)
        if error is not None or not self.streaming:
            await self.aend(self.terms.ending(error), error)

    def __enter__(self) -> Self:
        self.begin()
        self._token = enter(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._leave(error)
        if error is not None or not self.streaming:
            self.end(self.terms.ending(error), error)

    def _leave(self, error: BaseException | None) -> None:
        if self._token is not None:
            leave(self._token)
        if isinstance(error, GeneratorExit):
            self.tab.delivered = True  # it stood at a yield
