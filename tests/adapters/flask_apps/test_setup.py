"""Apps, their settings, and who pays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from flask import Blueprint, Flask
from flask.views import MethodView
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client

from credits_core import Credits, InvalidRequestError, PricingConfigError
from credits_flask import FlaskCredits, current_credits
from credits_flask.settings import Settings
from tests.adapters.flask_apps.conftest import signed_in
from tests.adapters.paths.books import PAID, log

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from tests.support.servers import Server


def test_one_extension_serves_apps_of_a_factory_each_with_its_settings(
    server: Server, credits: Credits, payer: str
) -> None:
    paywall = FlaskCredits()

    @paywall.user_loader
    def user() -> str:
        return signed_in()

    @paywall.charges(10, "fixed")
    def chat() -> dict[str, int]:
        return {"left": current_credits.balance}

    def create_app(prefix: str) -> Flask:
        app = Flask("shop")
        app.config.update(
            CREDITS_URL=server.url,
            CREDITS_PREFIX=prefix,
            CREDITS_AUTO_INITIALIZE=True,
            CREDITS_DEFAULT_CREDITS=30,
        )
        paywall.init_app(app)
        app.add_url_rule("/chat", view_func=chat)
        return app

    apps = [create_app(""), create_app(f"{payer}:")]
    headers = {"X-User": payer}
    left = [app.test_client().get("/chat", headers=headers).json for app in (*apps, apps[0])]
    assert left == [{"left": 90}, {"left": 20}, {"left": 80}]
    assert log(credits, payer) == [*PAID, *PAID]
    for app in apps:
        with app.app_context():
            assert current_credits.client is app.extensions["credits"].client
        paywall.close(app)


def test_apps_mounted_in_an_app_settle_their_own(
    app: Flask, paywall: FlaskCredits, server: Server, credits: Credits, payer: str
) -> None:
    inner = Flask("inner")
    inner.config.update(CREDITS_URL=server.url, CREDITS_FAILS_ON=lambda status: status == 418)
    FlaskCredits(inner, user=signed_in)
    for one in (app, inner):
        one.add_url_rule("/404", view_func=paywall.charges(10, "fixed")(lambda: ("", 404)))
    app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {"/inner": inner})  # type: ignore[method-assign]
    client = Client(app)
    costs = [client.get(path, headers={"X-User": payer}) for path in ("/404", "/inner/404")]
    assert [answer.headers["Credits-Cost"] for answer in costs] == ["0", "10"]
    paywall.close(inner)


def test_nothing_is_sent_at_start_up_and_a_store_that_is_away_is_503() -> None:
    app = Flask("shop")
    app.config.update(CREDITS_URL="redis://:hush-hush@127.0.0.1:1/0", CREDITS_TIMEOUT=0.2)
    paywall = FlaskCredits(app, user=signed_in)
    app.add_url_rule("/", view_func=paywall.charges(1, "one")(lambda: "served"))
    answer = app.test_client().get("/", headers={"X-User": "alice"})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert answer.content_type == "application/problem+json"
    assert "hush-hush" not in answer.text
    paywall.close(app)


def test_without_a_url_the_store_is_that_of_the_environment(
    server: Server, monkeypatch: pytest.MonkeyPatch, credits: Credits, payer: str
) -> None:
    monkeypatch.setenv("CREDITS_URL", server.url)
    app = Flask("shop")
    paywall = FlaskCredits(app)
    with app.app_context():
        assert current_credits.client.get_balance(payer) == 100
    paywall.close(app)
    monkeypatch.delenv("CREDITS_URL")
    with pytest.raises(InvalidRequestError, match="no store is configured"):
        FlaskCredits(Flask("shop"))


def test_a_client_of_ones_own_is_used_and_stays_open(credits: Credits, payer: str) -> None:
    app = Flask("shop")
    paywall = FlaskCredits(app, user=lambda: payer, client=credits)
    app.add_url_rule("/", view_func=paywall.charges(10, "fixed")(lambda: ""))
    assert app.test_client().get("/").headers["Credits-Remaining"] == "90"
    paywall.close(app)
    assert credits.get_balance(payer) == 90
    other = Flask("shop")
    other.config["CREDITS_PREFIX"] = "other:"
    with pytest.raises(InvalidRequestError, match="CREDITS_PREFIX would have no effect"):
        paywall.init_app(other)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"CREDITS_DEFAULT_CREDIT": 1}, "did you mean CREDITS_DEFAULT_CREDITS"),
        ({"CREDITS_X": 1}, "CREDITS_X is no setting of credits_flask: there are CREDITS_URL, "),
        ({"CREDITS_DEFUALT": 1}, "there are CREDITS_URL, .*CREDITS_DEFAULT_CREDITS"),
        ({"CREDITS_UTL": 1}, "did you mean CREDITS_URL"),
        ({"CREDITS_URL": 1}, "URL"),
        ({"CREDITS_URL": "localhost:6379"}, "URL"),
        ({"CREDITS_TOKEN": "hush-hush"}, "CREDITS_TOKEN goes with CREDITS_URL"),
        ({"CREDITS_DEFAULT_CREDITS": "100"}, "int"),
        ({"CREDITS_DEFAULT_CREDITS": True}, "int"),
        ({"CREDITS_AUTO_INITIALIZE": "false"}, "CREDITS_AUTO_INITIALIZE: it is True or False"),
        ({"CREDITS_TIMEOUT": 0}, "timeout"),
        ({"CREDITS_TOP_UP_URL": 7}, "CREDITS_TOP_UP_URL: it is a str"),
        ({"CREDITS_FAILS_ON": 500}, "CREDITS_FAILS_ON: it is a function"),
        ({"CREDITS_LEASE": 0}, "lease"),
        ({"CREDITS_LEASE": 3601}, "lease"),
        ({"CREDITS_LOW_BALANCE": -1}, "amount|credits"),
        ({"CREDITS_LOW_BALANCE": False}, "int"),
        ({"CREDITS_OUTAGE_FOLDER": 1}, "CREDITS_OUTAGE_FOLDER: it is the path"),
    ],
)
def test_a_setting_that_is_wrong_is_refused_at_start_up(settings: Any, said: str) -> None:
    app = Flask("shop")
    app.config.update({"CREDITS_URL": "memory://", **settings})
    if "CREDITS_TOKEN" in settings:
        del app.config["CREDITS_URL"]
    with pytest.raises(InvalidRequestError, match=said) as caught:
        FlaskCredits(app)
    assert "hush-hush" not in str(caught.value)
    assert "credits" not in app.extensions


def test_settings_that_are_none_are_the_defaults_and_secrets_are_not_shown() -> None:
    settings = Settings.of({"CREDITS_URL": "redis://:hush@h", "CREDITS_TIMEOUT": None, "DEBUG": 1})
    assert settings.timeout == 1.0
    assert "hush" not in repr(settings)


def test_an_app_is_initialised_once(app: Flask, paywall: FlaskCredits) -> None:
    with pytest.raises(RuntimeError, match="call init_app once"):
        FlaskCredits(app)


def test_costs_and_actions_that_are_none_are_refused_at_import() -> None:
    paywall = FlaskCredits()
    with pytest.raises(PricingConfigError):
        paywall.charges(-1)
    for wrong in (True, 1.5, "10", None):
        with pytest.raises(InvalidRequestError):
            paywall.charges(wrong)  # type: ignore[arg-type]
    with pytest.raises(InvalidRequestError):
        paywall.holds(5, "x" * 65)
    with pytest.raises(InvalidRequestError):
        paywall.holds(5, step=0)
    with pytest.raises(InvalidRequestError):
        paywall.charges(5, outage_limit=-1)


def test_nobody_but_the_loader_says_who_pays(app: Flask, http: FlaskClient) -> None:
    app.testing = True
    paywall = FlaskCredits(app)
    app.add_url_rule("/", view_func=paywall.charges(1, "one")(lambda: ""))
    with pytest.raises(RuntimeError, match="who pays"):
        http.get("/")
    paywall.user_loader(lambda: 7)
    with pytest.raises(TypeError, match="int pays, not the id"):
        http.get("/")


def test_an_app_that_was_not_initialised_charges_nobody(payer: str) -> None:
    app = Flask("shop")
    app.testing = True
    paywall = FlaskCredits(user=lambda: payer)
    app.add_url_rule("/", view_func=paywall.charges(1, "one")(lambda: ""))
    with pytest.raises(RuntimeError, match="call init_app"):
        app.test_client().get("/")
    with app.app_context(), pytest.raises(RuntimeError, match="does not charge"):
        _ = current_credits.client


def test_a_price_above_the_route_is_warned_of(
    app: Flask, paywall: FlaskCredits, http: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    blueprint = Blueprint("tools", "shop", url_prefix="/tools")

    @paywall.charges(10)
    @app.get("/wrong")
    def wrong() -> str:
        return "for nothing"

    @paywall.holds(10)
    @blueprint.get("/wrong")
    async def wrong_too() -> str:
        return "for nothing"

    @app.get("/right")
    @paywall.charges(10)
    @paywall.charges(5)
    def right() -> str:
        return "paid"

    def twice() -> str:
        return "paid"

    class Methods(MethodView):
        decorators: ClassVar = [paywall.charges(10)]

        @paywall.charges(5)
        def get(self) -> str:
            return "paid"

    app.register_blueprint(blueprint)
    app.add_url_rule("/twice/5", "5", paywall.charges(5)(twice))
    app.add_url_rule("/twice/10", "10", paywall.charges(10)(twice))
    app.add_url_rule("/bound", "bound", paywall.charges(1)(app.name.upper))
    app.add_url_rule("/methods", view_func=Methods.as_view("methods"))
    for _ in range(2):
        assert http.get("/right").text == "paid"
    assert [one.split(" is served for nothing")[0] for one in caplog.messages] == [
        "'wrong'",
        "'tools.wrong_too'",
    ]
