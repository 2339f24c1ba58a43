"""What Flask apps can charge for, and how."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from flask import (
    Blueprint,
    Flask,
    render_template_string,
    request,
)
from flask.views import MethodView

from credits_core import Credits, Priced, current_charge
from credits_flask import FlaskCredits, charged, current_credits, low_balance, refunded
from tests.adapters.flask_apps.conftest import signed_in
from tests.adapters.paths.books import PAID, log

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.testing import FlaskClient


def test_a_view_is_charged_and_can_see_its_charge(
    app: Flask, paywall: FlaskCredits, http: FlaskClient, credits: Credits, payer: str
) -> None:
    @app.post("/chat/<int:length>")
    @paywall.charges(lambda: request.view_args["length"], "fixed")  # type: ignore[index]
    def chat(length: int) -> dict[str, Any]:
        charge = current_credits.charge
        assert current_charge() is charge
        return {
            "cost": charge.amount,
            "left": charge.balance,
            "asked": current_credits.balance,
            "payer": current_credits.user_id,
        }

    answer = http.post("/chat/10")
    assert answer.json == {"cost": 10, "left": 90, "asked": 90, "payer": payer}
    assert (answer.headers["Credits-Cost"], answer.headers["Credits-Remaining"]) == ("10", "90")
    assert log(credits, payer) == PAID
    assert current_charge() is None


def test_the_action_is_the_name_of_the_view_unless_it_is_named(
    app: Flask, paywall: FlaskCredits, http: FlaskClient, credits: Credits, payer: str
) -> None:
    blueprint = Blueprint("api", __name__)

    @blueprint.get("/a")
    @paywall.charges(1)
    def drawing() -> str:
        return ""

    blueprint.add_url_rule("/b", "x" * 70, paywall.charges(2)(lambda: ""))

    @blueprint.get("/c")
    @paywall.charges(Priced("canvas_generation_simple"))
    def image() -> str:
        return ""

    @blueprint.get("/d")
    @paywall.charges(
        Priced("canvas_generation_simple"), "portrait", lambda: {"size": request.args["s"]}
    )
    def portrait() -> str:
        return ""

    app.register_blueprint(blueprint)
    credits.add(payer, 1000, "top_up")
    for path in ("/a", "/b", "/c", "/d?s=xl"):
        assert http.get(path).status_code == 200
    entries = credits.get_transactions(payer)[3::-1]
    assert [entry.action for entry in entries] == [
        "drawing",
        "x" * 64,
        "canvas_generation_simple",
        "portrait",
    ]
    assert entries[3].metadata == {"size": "xl"}


def test_a_price_that_the_view_finds_out_is_charged_in_it(
    app: Flask, paywall: FlaskCredits, http: FlaskClient, credits: Credits, payer: str
) -> None:
    @app.post("/translate")
    def translate() -> Any:
        charge = paywall.require_credits(len(request.get_data()), "translation")
        return {"cost": charge.cost}, int(request.args["status"])

    assert http.post("/translate?status=200", data=b"12345").json == {"cost": 5}
    assert http.post("/translate?status=500", data=b"123").status_code == 500
    assert http.post("/translate?status=200", data=b"x" * 96).status_code == 402
    assert log(credits, payer) == [(-5, "translation"), (-3, "translation"), (3, "refund")]


def test_a_hold_in_the_view_is_settled_by_the_answer(
    app: Flask, paywall: FlaskCredits, http: FlaskClient, credits: Credits, payer: str
) -> None:
    @app.post("/summary")
    def summary() -> str:
        charge = paywall.hold_credits(50, "summary")
        charge.meter(1.2)
        charge.meter(2.5)
        return "short"

    answer = http.post("/summary")
    assert answer.headers["Credits-Cost"] == "4"
    assert credits.get_account(payer).held == 50  # until the answer has left
    assert answer.text == "short"
    assert credits.get_balance(payer) == 96
    assert credits.get_account(payer).held == 0


def test_method_views_are_charged_by_method_or_as_a_whole(
    app: Flask, paywall: FlaskCredits, http: FlaskClient, credits: Credits, payer: str
) -> None:
    class Pictures(MethodView):
        def get(self) -> str:
            return "free"

        @paywall.charges(10, "fixed")
        def post(self) -> str:
            return "drawn"

    class Chats(MethodView):
        decorators = [paywall.charges(1)]  # noqa: RUF012 - Flask's form

        def get(self, number: int) -> str:
            return str(number)

    app.add_url_rule("/pictures", view_func=Pictures.as_view("pictures"))
    app.add_url_rule("/chats/<int:number>", view_func=Chats.as_view("chats"))
    assert http.get("/pictures").text == "free"
    assert http.post("/pictures").text == "drawn"
    assert http.get("/chats/7").text == "7"
    assert log(credits, payer) == [*PAID, (-1, "chats")]


def test_async_views_and_functions_are_charged_by_the_sync_client(
    app: Flask, credits: Credits, http: FlaskClient, payer: str
) -> None:
    async def user() -> str:
        return signed_in()

    async def cost() -> int:
        return int(request.args["cost"])

    paywall = FlaskCredits(app, user=user)

    @app.get("/slow")
    @paywall.holds(cost, "slow")
    async def slow() -> dict[str, Any]:
        current_credits.charge.settle(3)
        charge = current_charge()
        assert charge is not None
        return {"held": charge.amount}

    assert [http.get("/slow?cost=5").json for _ in range(3)] == 3 * [{"held": 5}]
    assert credits.get_balance(payer) == 91


def test_a_blueprint_is_charged_as_a_whole(
    app: Flask, paywall: FlaskCredits, http: FlaskClient, credits: Credits, payer: str
) -> None:
    api, inner = Blueprint("api", __name__, url_prefix="/api"), Blueprint("v1", __name__)
    paywall.charge_blueprint(api, 5, exempt_when=lambda: request.endpoint == "api.health")

    @api.get("/chat")
    def chat() -> str:
        return "answer"

    @api.get("/health")
    def health() -> str:
        return "well"

    @inner.get("/inner")
    @paywall.charges(2)
    def both() -> str:
        return "inner"

    @app.get("/outside")
    def outside() -> str:
        return "free"

    api.register_blueprint(inner)
    app.register_blueprint(api)
    assert http.get("/api/chat").headers["Credits-Cost"] == "5"
    assert http.get("/api/health").headers["Credits-Cost"] == "0"
    assert http.get("/api/inner").headers["Credits-Cost"] == "7"
    assert http.options("/api/chat").status_code == 200
    assert http.post("/api/chat").status_code == 405
    assert http.get("/api/nothing").status_code == 404
    assert http.get("/outside").status_code == 200
    assert log(credits, payer) == [(-5, "chat"), (-5, "both"), (-2, "both")]


def test_signals_tell_what_was_paid_and_what_was_given_back(
    app: Flask, paywall: FlaskCredits, http: FlaskClient, payer: str
) -> None:
    told: list[Any] = []

    def receiver(name: str) -> Callable[..., None]:
        def receive(sender: Flask, charge: Any) -> None:
            assert (sender, charge.user_id) == (app, payer)
            told.append((name, charge.cost, charge.balance, charge.open))

        return receive

    receivers = {one: receiver(one.name) for one in (charged, refunded, low_balance)}
    for signal, receive in receivers.items():
        signal.connect(receive, app)

    @app.get("/<int:status>")
    @paywall.charges(10)
    def chat(status: int) -> Any:
        return "", status

    @app.get("/held")
    @paywall.holds(9)
    def held() -> Any:
        return current_credits.charge.stream(iter("abc"), 1)

    @app.get("/handed")
    @paywall.holds(5)
    def handed() -> str:
        return current_credits.charge.hand_over()

    app.add_url_rule("/free", view_func=paywall.charges(0, "free")(lambda: ""))
    for path in ("/500", "/200", "/200", "/200", "/held", "/handed", "/free"):
        http.get(path, buffered=True)
    assert told == [
        ("refunded", 0, 100, False),
        ("charged", 10, 90, False),
        ("charged", 10, 80, False),
        ("low_balance", 10, 80, False),
        ("charged", 10, 70, False),
        ("charged", 3, 67, False),
    ]


def test_each_of_two_charges_is_told_once(
    app: Flask, paywall: FlaskCredits, http: FlaskClient
) -> None:
    told: list[Any] = []

    def receive(sender: Flask, charge: Any) -> None:
        told.append((charge.action, charge.cost))

    charged.connect(receive, app)
    both = paywall.charges(10, "fixed")(paywall.holds(5, "held")(lambda: "answer"))
    app.add_url_rule("/", view_func=both, endpoint="both")
    assert http.get("/", buffered=True).headers["Credits-Cost"] == "15"
    assert told == [("fixed", 10), ("held", 5)]


def test_a_receiver_that_fails_spoils_no_answer(
    app: Flask, paywall: FlaskCredits, http: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(sender: Flask, charge: Any) -> None:
        raise KeyError("of the receiver")

    charged.connect(fails, app)
    app.add_url_rule("/", view_func=paywall.charges(1, "one")(lambda: "answer"))
    assert http.get("/").text == "answer"
    assert "a receiver of 'charged' failed" in caplog.text


def test_templates_know_the_balance(app: Flask, paywall: FlaskCredits, http: FlaskClient) -> None:
    app.add_url_rule(
        "/", view_func=lambda: render_template_string("{{ current_credits.balance }} left")
    )
    assert http.get("/").text == "100 left"


def test_what_is_not_charged_has_no_charge(
    app: Flask, paywall: FlaskCredits, http: FlaskClient
) -> None:
    app.testing = True
    app.add_url_rule("/", view_func=lambda: str(current_credits.charge))
    with pytest.raises(RuntimeError, match="no charge"):
        http.get("/")
