"""The charges of one request, from the rule to the `Charge`."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from flask import abort, current_app, request

from credits_core.charge import Charge
from credits_core.charge.nesting import enter, inside, leave
from credits_core.http.idempotency import AnswerAgain
from credits_core.http.keyed import Keyed
from credits_core.http.paid import PaidRequest
from credits_core.http.rules import route_of
from credits_core.http.under_key import UnderKey
from credits_flask import keys
from credits_flask.signals import tell

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextvars import Token

    from credits_core.charge.tab import Ending
    from credits_core.http.idempotency import AnswerKeeper
    from credits_core.http.rules import Rule
    from credits_flask.site import Site

__all__ = ["RequestCharges", "current_request"]

_WHERE: Final = "credits_flask.charges"


class RequestCharges(PaidRequest):
    """The charges of a request, and its key if it has one; the middleware ends them."""

    __slots__ = ("_tokens", "_under", "_untold", "answered", "body", "site")

    def __init__(self, site: Site, environ: dict[str, Any]) -> None:
        super().__init__(site.settings.fails_on)
        self.site = site
        self._under = UnderKey(site.settings.lease)
        self.body: keys.DigestedInput | None = None
        self.answered = False
        """Whether the answer has begun, so that nothing would end another charge."""
        self._tokens: list[Token[Charge | None]] = []
        self._untold: list[Charge] = []
        environ[_WHERE] = self
        if keys.KEY in environ:
            self.body = environ["wsgi.input"] = keys.DigestedInput(
                environ["wsgi.input"], environ.get("CONTENT_TYPE")
            )

    def begin(self, rule: Rule) -> Charge:
        """Charge the user by a rule, in the context of the request."""
        if self.answered:
            raise RuntimeError(
                "the answer has begun, and nothing would end this charge: charge before, or put "
                "require_credits of credits_core around the work"
            )
        site = self.site
        if rule.outage_limit and site.journal is None:
            raise RuntimeError("outage_limit needs a folder for the journal: CREDITS_OUTAGE_FOLDER")
        route = _route()
        terms = rule.terms_of(
            site.user_id(),
            0 if _given(rule.exempt_when) else _given(rule.cost),
            _given(rule.metadata),
            endpoint=(request.endpoint or "").rpartition(".")[2],
            route=route,
            journal=site.journal,
        )
        if self.body is not None and terms.cost:  # what is free asks nobody
            try:
                terms = self._under.terms(site.client, terms, route, self.body.sent)
            except AnswerAgain as found:
                # No handler of errors is asked about an answer.
                abort(keys.answer_again(found))
        charge = Charge(site.client, terms)
        charge.begin()
        self.charges.append(charge)
        self._untold.append(charge)
        if terms.cost:
            self._tokens.append(enter(charge))
        return charge

    def end(self, ending: Ending, error: BaseException | None = None) -> None:
        """End every charge that is open, and send the signals of it."""
        # First: who takes the key over must not find a charge that was given back.
        if ending != "served" and not self.end_key(None, paid=self.keeps(ending)):
            self.let_go()
        super().end(ending, error)
        self._tell()

    def served(self) -> None:
        """End the fixed prices of an answer that is about to leave, and send their signals."""
        super().served()
        self._tell()

    @property
    def keyed(self) -> bool:
        """Whether its answer is kept for whoever asks again."""
        return self._under.begun is not None

    def end_key(self, answer: AnswerKeeper | None, *, paid: bool = False) -> bool:
        """Keep the answer for whoever asks again, or let the same key try again. See `Keyed`."""
        keyed = self._under.take()
        return not isinstance(keyed, Keyed) or keyed.end(answer, paid=paid)

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Run a part of the work that the last charge pays for."""
        charge = next((one for one in reversed(self.charges) if one.terms.cost), None)
        if charge is None:
            yield
        else:
            with inside(charge):
                yield

    def leave(self) -> None:
        """The thread goes on to work that these charges do not pay for."""
        while self._tokens:
            leave(self._tokens.pop())

    def _tell(self) -> None:
        ended = [charge for charge in self._untold if not charge.open]
        self._untold = [charge for charge in self._untold if charge.open]
        tell(self.site.app, ended, self.site.settings.low_balance)


def current_request() -> RequestCharges:
    """The charges of the request that is being served, by an app that can charge.

    Raises `RuntimeError` where no middleware would end them.
    """
    found: RequestCharges | None = request.environ.get(_WHERE)
    if found is None:
        raise RuntimeError(
            "nothing would settle this charge: call init_app on the app that serves this request"
        )
    return found


def _route() -> str:
    path = request.url_rule.rule if request.url_rule is not None else request.path
    return route_of(request.method, request.root_path + path)


def _given(value: Any) -> Any:
    """A value, or what the app's own function answers for this request."""
    return current_app.ensure_sync(value)() if callable(value) else value
