"""What is answered decides what is paid, wherever in Flask that is made up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    request,
)

from credits_core import Credits, CreditsError, InsufficientCreditsError, current_charge
from credits_flask import FlaskCredits, current_credits
from tests.adapters.flask_apps.conftest import signed_in
from tests.adapters.paths.books import GIVEN_BACK, PAID, log

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask.testing import FlaskClient

    from tests.support.servers import Server


def test_what_a_later_hook_refuses_is_given_back(
    app: Flask, paywall: FlaskCredits, http: FlaskClient, credits: Credits, payer: str
) -> None:
    api = Blueprint("api", __name__)
    paywall.charge_blueprint(api, 10, "fixed")

    @api.before_request
    def closed() -> Any:
        return "closed", 403

    @api.get("/chat")
    def chat() -> str:
        return "answer"

    app.register_blueprint(api)
    assert http.get("/chat").status_code == 403
    assert log(credits, payer) == GIVEN_BACK


def test_what_an_after_request_makes_of_the_answer_is_what_counts(
    app: Flask, paywall: FlaskCredits, http: FlaskClient, credits: Credits, payer: str
) -> None:
    @app.get("/chat")
    @paywall.charges(10, "fixed")
    def chat() -> str:
        return "answer"

    @app.after_request
    def worse(response: Response) -> Response:
        response.status_code = int(request.args["status"])
        return response

    assert http.get("/chat?status=502").headers["Credits-Cost"] == "0"
    assert http.get("/chat?status=201").headers["Credits-Cost"] == "10"
    assert log(credits, payer) == [*GIVEN_BACK, *PAID]


@pytest.mark.parametrize("setting", ["TESTING", "PROPAGATE_EXCEPTIONS", "DEBUG"])
def test_an_exception_that_goes_through_is_given_back_before_it_does(
    app: Flask, paywall: FlaskCredits, http: FlaskClient, credits: Credits, payer: str, setting: str
) -> None:
    app.config[setting] = True

    @app.get("/broken")
    @paywall.charges(10, "fixed")
    def broken() -> str:
        raise KeyError("the view broke")

    with pytest.raises(KeyError):
        http.get("/broken")
    assert log(credits, payer) == GIVEN_BACK
    assert current_charge() is None


@pytest.mark.parametrize("kind", [BaseException, KeyboardInterrupt, GeneratorExit])
def test_work_that_is_broken_off_is_given_back(
    app: Flask, paywall: FlaskCredits, http: FlaskClient, credits: Credits, payer: str, kind: Any
) -> None:
    @app.get("/stopped")
    @paywall.charges(10, "fixed")
    def stopped() -> str:
        raise kind

    with pytest.raises(kind):
        http.get("/stopped")
    assert log(credits, payer) == GIVEN_BACK


def test_an_exception_in_teardown_is_no_service_either(
    app: Flask, paywall: FlaskCredits, http: FlaskClient, credits: Credits, payer: str
) -> None:
    @app.get("/chat")
    @paywall.charges(10, "fixed")
    def chat() -> str:
        return "answer"

    @app.teardown_request
    def down(error: BaseException | None) -> None:
        raise RuntimeError("the transaction could not be written")

    with pytest.raises(RuntimeError, match="could not be written"):
        http.get("/chat")
    assert log(credits, payer) == GIVEN_BACK


def test_an_app_answers_a_shortage_in_its_own_way(
    app: Flask, paywall: FlaskCredits, http: FlaskClient, new_user: Callable[[], str]
) -> None:
    @app.errorhandler(InsufficientCreditsError)
    def sell(error: InsufficientCreditsError) -> Any:
        return {"missing": error.missing}, 402

    api = Blueprint("api", __name__)

    @api.errorhandler(CreditsError)
    def refused(error: CreditsError) -> Any:
        return {"blueprint": type(error).__name__}, 418

    @api.get("/api")
    @paywall.charges(10)
    def in_blueprint() -> str:
        return ""

    @app.get("/app")
    @paywall.charges(10)
    def in_app() -> str:
        return ""

    app.register_blueprint(api)
    http.environ_base["HTTP_X_USER"] = new_user()
    assert http.get("/app").json == {"missing": 10}
    assert http.get("/api").json == {"blueprint": "InsufficientCreditsError"}
    http.environ_base["HTTP_X_USER"] = "\x7f"
    assert http.get("/app").status_code == 400


def test_a_handler_that_was_there_before_stays(server: Server, user: str) -> None:
    app = Flask("shop")
    app.config["CREDITS_URL"] = server.url

    @app.errorhandler(CreditsError)
    def own(error: CreditsError) -> Any:
        return "own", 402

    paywall = FlaskCredits(app, user=signed_in)
    app.add_url_rule("/", view_func=paywall.charges(10)(lambda: ""))
    assert app.test_client().get("/", headers={"X-User": user}).text == "own"
    paywall.close(app)


def test_an_error_that_is_answered_with_service_is_no_failure_of_the_charge_around(
    app: Flask, paywall: FlaskCredits, http: FlaskClient, credits: Credits, payer: str
) -> None:
    @app.errorhandler(LookupError)
    def found_after_all(error: LookupError) -> Any:
        return "another answer"

    @app.get("/chat")
    @paywall.charges(10, "fixed")
    def chat() -> str:
        raise LookupError

    assert http.get("/chat").headers["Credits-Cost"] == "10"
    assert log(credits, payer) == PAID


def test_what_is_a_failure_is_the_apps_to_say(
    app: Flask, credits: Credits, http: FlaskClient, payer: str
) -> None:
    app.config["CREDITS_FAILS_ON"] = lambda status: status >= 500
    paywall = FlaskCredits(app, user=signed_in)
    app.add_url_rule("/404", view_func=paywall.charges(10, "fixed")(lambda: abort(404)))
    assert http.get("/404").headers["Credits-Cost"] == "10"
    assert log(credits, payer) == PAID


def test_a_key_is_honoured_although_the_form_was_read_before(
    app: Flask, paywall: FlaskCredits, http: FlaskClient, credits: Credits, payer: str
) -> None:
    @app.before_request
    def csrf() -> None:
        assert request.form["token"] == "right"

    @app.errorhandler(Exception)
    def every_error(error: Exception) -> Any:
        return f"handled {type(error).__name__}", 500

    @app.post("/order")
    @paywall.charges(10, "fixed")
    def order() -> str:
        return request.form["what"] + request.files["file"].read().decode()

    def ordered(what: str) -> Any:
        parts = [("token", "right"), ("what", what), ('file"; filename="f.txt', "!")]
        form = "".join(
            f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in parts
        )
        return http.post(
            "/order",
            data=form + "--b--\r\n",
            headers={"Idempotency-Key": "k"},
            content_type="multipart/form-data; boundary=b",
        )

    first, again, other = ordered("tea"), ordered("tea"), ordered("coffee")
    assert (first.text, again.text) == ("tea!", "tea!")
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (again.headers["Credits-Cost"], other.status_code) == ("10", 422)
    assert log(credits, payer) == PAID


def test_middleware_that_begins_with_its_first_piece_is_settled_too(
    app: Flask, http: FlaskClient, credits: Credits, payer: str
) -> None:
    inner = app.wsgi_app

    def lazily(environ: Any, start_response: Any) -> Iterator[bytes]:
        yield from inner(environ, start_response)

    app.wsgi_app = lazily  # type: ignore[method-assign]
    paywall = FlaskCredits(app, user=signed_in)
    app.add_url_rule("/<int:status>", view_func=lambda status: ("free", status), endpoint="free")
    view = paywall.charges(10, "fixed")(lambda status: ("answer", status))
    app.add_url_rule("/paid/<int:status>", view_func=view, endpoint="paid")
    assert http.get("/200").text == "free"
    assert http.get("/paid/200").headers["Credits-Remaining"] == "90"
    assert http.get("/paid/500").headers["Credits-Cost"] == "0"
    assert log(credits, payer) == [*PAID, *GIVEN_BACK]
    assert current_charge() is None


def test_a_charge_that_is_kept_or_given_back_by_the_view(
    app: Flask, paywall: FlaskCredits, http: FlaskClient, credits: Credits, payer: str
) -> None:
    @app.get("/<verdict>/<int:status>")
    @paywall.charges(10, "fixed")
    def chat(verdict: str, status: int) -> Any:
        getattr(current_credits.charge, verdict)()
        return "", status

    assert http.get("/keep/500").headers["Credits-Cost"] == "10"
    assert http.get("/refund/200").headers["Credits-Cost"] == "0"
    assert log(credits, payer) == [*PAID, *GIVEN_BACK]


def test_a_request_with_a_key_and_two_charges_makes_them_once(
    app: Flask, paywall: FlaskCredits, http: FlaskClient, credits: Credits, payer: str
) -> None:
    api = Blueprint("api", __name__)
    paywall.charge_blueprint(api, 5, "api")

    @api.post("/order")
    @paywall.charges(2, "order")
    def order() -> Any:
        return "ordered", int(request.args["status"])

    app.register_blueprint(api)
    key = {"Idempotency-Key": "k"}
    answers = [http.post("/order?status=200", headers=key) for _ in range(3)]
    assert [answer.headers["Credits-Cost"] for answer in answers] == 3 * ["7"]
    assert log(credits, payer) == [(-5, "api"), (-2, "order")]
    key = {"Idempotency-Key": "another"}
    assert http.post("/order?status=500", headers=key).status_code == 500
    assert http.post("/order?status=500", headers=key).status_code == 500
    assert credits.get_balance(payer) == 93


def test_head_with_a_key_is_answered_again_without_a_body(
    app: Flask, paywall: FlaskCredits, http: FlaskClient, credits: Credits, payer: str
) -> None:
    app.add_url_rule("/", view_func=paywall.charges(10, "fixed")(lambda: "answer"))
    first, again = (http.head("/", headers={"Idempotency-Key": "k"}) for _ in range(2))
    assert (first.data, again.data) == (b"", b"")
    assert again.headers["Content-Length"] == first.headers["Content-Length"] == "6"
    assert again.headers["Idempotency-Replayed"] == "true"
    assert http.get("/", headers={"Idempotency-Key": "k"}).text == "answer"
    assert log(credits, payer) == [*PAID, *PAID]
