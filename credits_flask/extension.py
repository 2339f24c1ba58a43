"""`FlaskCredits`: the extension that makes an app charge."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, Final, TypeVar, Unpack, cast

from flask import current_app, request

from credits_core.errors import CreditsError, InvalidRequestError
from credits_core.http.rules import hold_rule, price_rule
from credits_core.http.unpaid import mark
from credits_flask.answers import answer_error
from credits_flask.api import blueprint_of
from credits_flask.commands import credits_command
from credits_flask.current import current_credits
from credits_flask.middleware import ChargesMiddleware
from credits_flask.requests import current_request
from credits_flask.settings import PREFIX, Settings
from credits_flask.site import EXTENSION, Site

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flask import Blueprint, Flask, Response

    from credits_core.api import AccountApi
    from credits_core.charge import Charge, Cost
    from credits_core.client import Credits
    from credits_core.http.rules import Given, HoldOptions, PriceOptions, Rule

__all__ = ["FlaskCredits"]

F = TypeVar("F", bound="Callable[..., Any]")
L = TypeVar("L", bound="Callable[[], Any]")

_OF_A_CLIENT: Final = (
    "URL",
    "TOKEN",
    "DEFAULT_CREDITS",
    "AUTO_INITIALIZE",
    "PREFIX",
    "TIMEOUT",
)


class FlaskCredits:
    """What apps charge with: one for any number of apps, made beside them.

    `user` is the app's own function that answers the id of the signed-in user as a str, and
    aborts (401) when there is none; it may read `flask.request`, `session` and the like. The user
    who pays comes from it and from nowhere else. Or name it later: `@credits.user_loader`.

    The settings are the `CREDITS_*` keys of an app's config, read by `init_app`. Where there is
    no `CREDITS_URL` the store is that of the environment. Or hand in `client`, one of your own,
    which stays open; threads and the processes that a server forks may share it.

    `api` gives the apps the routes of the account API, as the blueprint `credits_api`. `admin` is
    the app's own function that answers the id of who is signed in, if the app lets them
    administer credits, and aborts (403) if not. Without it nobody does, by the account API.

    `cost`, `metadata` and `exempt_when` of the methods below may be functions without arguments,
    which read the request, too.

    >>> from flask import Flask, session
    >>> app = Flask("shop")
    >>> app.config["CREDITS_URL"] = "memory://"
    >>> credits = FlaskCredits(app, user=lambda: session["user_id"])
    >>> @app.post("/chat")
    ... @credits.charges(10)
    ... def chat():
    ...     return "Hello"
    """

    def __init__(
        self,
        app: Flask | None = None,
        *,
        user: Callable[[], Any] | None = None,
        client: Credits | None = None,
        api: AccountApi | None = None,
        admin: Callable[[], Any] | None = None,
    ) -> None:
        """Keep who pays and the client, and make `app`, if it is given, ready to charge."""
        self._user = user
        self._client = client
        self._api = api
        self._admin = admin
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Make `app` ready to charge; nothing is sent yet.

        `app.wsgi_app` settles the charges of a request by what is answered, and tells
        `Credits-Cost` and `Credits-Remaining`. Errors of this library are answered as problem
        details: 402 when the credits do not suffice, 503 with Retry-After while the store is
        away; a handler of the app's own for `CreditsError`, or one of its kinds, is asked
        instead. Templates know `current_credits`, and `flask credits` the app's store.

        Raises `InvalidRequestError` for settings that are wrong, unknown, or without a store, and
        `RuntimeError` for an app that charges already.
        """
        if EXTENSION in app.extensions:
            raise RuntimeError(f"{app.name!r} charges already: call init_app once")
        settings = Settings.of(app.config)
        if self._client is not None:
            lost = [PREFIX + name for name in _OF_A_CLIENT if app.config.get(PREFIX + name)]
            if lost:
                raise InvalidRequestError(
                    f"a client is given, so {', '.join(lost)} would have no effect: "
                    f"set it where the client is made"
                )
        site = Site(app, settings, self._client, lambda: self._user, self._admin)
        app.extensions[EXTENSION] = site
        app.wsgi_app = ChargesMiddleware(app.wsgi_app, site)  # type: ignore[method-assign]
        if CreditsError not in app.error_handler_spec[None][None]:

            def refused(error: CreditsError) -> Response:
                return answer_error(error, top_up_url=settings.top_up_url)

            app.register_error_handler(CreditsError, refused)
        app.context_processor(lambda: {"current_credits": current_credits})
        app.cli.add_command(credits_command(site))
        if self._api is not None:
            app.register_blueprint(blueprint_of(self._api.routes))

    def user_loader(self, function: L) -> L:
        """Name the function that answers the id of the signed-in user: see the class."""
        self._user = function
        return function

    def require_credits(
        self,
        cost: Cost | Given,
        action: str | None = None,
        metadata: Mapping[str, Any] | Given | None = None,
        **options: Unpack[PriceOptions],
    ) -> Charge:
        """Charge the user of the request that is being served a fixed price, now.

        For a price that is known in the view only; `charges` is the same as a decorator. An
        answer of 400 or more, returned or raised, gives the credits back before it is sent; so
        does an answer whose first piece never left.

        `cost` is credits (0 is free), or a `Priced` action. `action` names the charge in the log,
        1 to 64 characters; by default it is the price's, or the name of the endpoint, or
        "request" where that cannot be an action. `metadata` is for the log. `exempt_when` answers
        True for who need not pay. `outage_limit` is how many credits each user may be served by a
        process while the store is away, to be charged afterwards; it needs
        `CREDITS_OUTAGE_FOLDER`.

        Raises `InsufficientCreditsError` and what `Credits.deduct` raises, which Flask answers;
        `RuntimeError` once the answer has begun.
        """
        rule = price_rule(cost, action, metadata, **options)
        return current_request().begin(rule)

    def hold_credits(
        self,
        estimate: Cost | Given,
        action: str | None = None,
        metadata: Mapping[str, Any] | Given | None = None,
        **options: Unpack[HoldOptions],
    ) -> Charge:
        """Hold an estimate for the request that is being served, now; its answer settles it.

        The view says what the work cost by `Charge.settle` or `meter`, or streams through
        `Charge.stream`; otherwise the estimate is the price. An answer of 400 or more gives
        everything back. A stream is settled when it ends: at what was delivered if the client
        leaves before.

        The arguments are those of `require_credits` and of `credits_core.hold_credits`.
        """
        rule = hold_rule(estimate, action, metadata, **options)
        return current_request().begin(rule)

    def charges(
        self,
        cost: Cost | Given,
        action: str | None = None,
        metadata: Mapping[str, Any] | Given | None = None,
        **options: Unpack[PriceOptions],
    ) -> Callable[[F], F]:
        """`require_credits` as a decorator of a view, under its route.

        The view is a function, sync or async, or a method of a `MethodView`, or what its
        `decorators` list. In it `current_credits.charge` is the charge.

        Raises `PricingConfigError` for a cost below 0 and `InvalidRequestError` for one that is
        no whole number, or an action that is none, when it is called: at import.
        """
        rule = price_rule(cost, action, metadata, **options)
        return lambda view: _paid(rule, view)

    def holds(
        self,
        estimate: Cost | Given,
        action: str | None = None,
        metadata: Mapping[str, Any] | Given | None = None,
        **options: Unpack[HoldOptions],
    ) -> Callable[[F], F]:
        """`hold_credits` as a decorator of a view, under its route: see `charges`."""
        rule = hold_rule(estimate, action, metadata, **options)
        return lambda view: _paid(rule, view)

    def charge_blueprint(
        self,
        blueprint: Blueprint,
        cost: Cost | Given,
        action: str | None = None,
        metadata: Mapping[str, Any] | Given | None = None,
        **options: Unpack[PriceOptions],
    ) -> None:
        """Charge for every view of a blueprint, and of those nested in it, before it runs.

        It is a `before_request` of the blueprint, in the order in which these are added. Answers
        to OPTIONS that Flask makes by itself are free. The other arguments are those of `charges`.
        """
        rule = price_rule(cost, action, metadata, **options)

        def charge() -> None:
            route = request.url_rule
            if request.method == "OPTIONS" and getattr(route, "provide_automatic_options", False):
                return
            current_request().begin(rule)

        blueprint.before_request(charge)

    def close(self, app: Flask) -> None:
        """Close what `app` charges with, for tests and scripts; servers need not.

        It waits, at most five seconds, for charges that are being given back.
        """
        site: Site = app.extensions[EXTENSION]
        site.close()


def _paid(rule: Rule, view: F) -> F:
    @wraps(view)
    def paid(*args: Any, **kwargs: Any) -> Any:
        current_request().begin(rule)
        return current_app.ensure_sync(view)(*args, **kwargs)

    mark(view)
    return cast("F", paid)
