"""The account API as a blueprint: in several apps, with their hooks, handlers and admins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask, Response, abort, request, url_for
from flask_wtf.csrf import CSRFProtect

from credits_core import CreditsError
from credits_core.api import AccountApi
from credits_flask import FlaskCredits
from tests.adapters.flask_apps.conftest import signed_in

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from tests.support.servers import Server

SECRET = "a-secret-of-the-tests-and-of-nobody-else"
BALANCE = "/api/credits/balance"
GRANT = "/api/admin/credits/grant"


def grant(http: FlaskClient, **headers: str) -> Any:
    body = {"targetUserId": "bob", "amount": 5, "reason": "an apology"}
    return http.post(GRANT, json=body, headers=headers)


def test_one_extension_serves_the_api_of_several_apps(server: Server, payer: str) -> None:
    paywall = FlaskCredits(user=signed_in, api=AccountApi())

    def balance(prefix: str) -> Any:
        app = Flask("shop")
        app.config.update(
            CREDITS_URL=server.url,
            CREDITS_PREFIX=prefix,
            CREDITS_AUTO_INITIALIZE=True,
            CREDITS_DEFAULT_CREDITS=30,
        )
        paywall.init_app(app)
        answer = app.test_client().get(BALANCE, headers={"X-User": payer}).json
        paywall.close(app)
        return answer["balance"]

    assert [balance(""), balance(f"{payer}:")] == [100, 30]


def test_without_an_api_there_are_no_routes(app: Flask) -> None:
    FlaskCredits(app, user=signed_in)
    assert app.test_client().get(BALANCE).status_code == 404


def test_without_an_admin_of_the_apps_own_nobody_is_one(app: Flask, http: FlaskClient) -> None:
    FlaskCredits(app, user=signed_in, api=AccountApi())
    found = grant(http)
    assert (found.status_code, found.json["type"]) == (403, "urn:credits-sdk:problem:not-an-admin")


@pytest.mark.parametrize(
    ("who", "status"), [(None, 403), ("", 403), (True, 500), (7, 500), ("root", 200)]
)
def test_an_admin_is_who_the_app_says(app: Flask, http: FlaskClient, who: Any, status: int) -> None:
    FlaskCredits(app, user=signed_in, api=AccountApi(), admin=lambda: who)
    assert grant(http).status_code == status


def test_an_async_function_may_say_who_asks(app: Flask, http: FlaskClient, payer: str) -> None:
    async def user() -> str:
        return signed_in()

    async def admin() -> str:
        return request.headers.get("X-Admin") or abort(403)

    FlaskCredits(app, user=user, api=AccountApi(), admin=admin)
    answer = http.get(BALANCE).json
    assert answer is not None
    assert answer["userId"] == payer
    assert (grant(http).status_code, grant(http, **{"X-Admin": "root"}).status_code) == (403, 200)


def test_a_hook_may_read_the_body_before(app: Flask, http: FlaskClient) -> None:
    FlaskCredits(app, user=signed_in, api=AccountApi(), admin=lambda: "root")
    seen = []
    app.before_request(lambda: seen.append(request.get_data()))
    assert grant(http).status_code == 200
    assert b"an apology" in seen[0]


def test_errors_are_answered_as_documented_whatever_else_the_app_says_to_them(
    app: Flask, http: FlaskClient
) -> None:
    FlaskCredits(app, user=lambda: "x" * 300, api=AccountApi())
    app.register_error_handler(CreditsError, lambda _: Response("no", 418))
    found = http.get(BALANCE)
    assert (found.status_code, found.content_type) == (400, "application/problem+json")


def test_routes_have_names_by_which_they_are_found_and_exempted(app: Flask) -> None:
    api = AccountApi(cron_secret=SECRET, paths={"balance": (BALANCE, "/me")})
    FlaskCredits(app, user=signed_in, api=api)
    with app.test_request_context():
        assert url_for("credits_api.balance") == BALANCE
        assert url_for("credits_api.balance_2") == "/me"
    names = {
        endpoint.removeprefix("credits_api."): f"{view.__module__}.{view.__name__}"
        for endpoint, view in app.view_functions.items()
    }
    assert names["balance"] == names["balance_2"] == "credits_flask.api.for_user"
    assert names["grant"] == names["refund"] == "credits_flask.api.for_admin"
    assert names["reconcile"] == "credits_flask.api.for_anybody"


def test_protection_against_csrf_lets_who_shows_a_secret_through(
    app: Flask, http: FlaskClient
) -> None:
    app.secret_key = "of the tests"
    csrf = CSRFProtect(app)
    FlaskCredits(app, user=signed_in, api=AccountApi(cron_secret=SECRET), admin=lambda: "root")
    csrf.exempt("credits_flask.api.for_anybody")
    assert grant(http).status_code == 400
    answer = http.post("/api/cron/reconcile", headers={"Authorization": f"Bearer {SECRET}"})
    assert answer.status_code == 200
