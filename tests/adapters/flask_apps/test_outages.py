"""Routes that serve on while the store is away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask, request

from credits_core import Credits
from credits_core.outage import OutageJournal
from credits_flask import FlaskCredits, current_credits
from tests.adapters.flask_apps.conftest import signed_in
from tests.adapters.paths.books import log, wait_for
from tests.support.servers import Server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flask.testing import FlaskClient


@pytest.fixture
def own() -> Iterator[Server]:
    with Server(persistent=True) as running:
        with Credits.from_url(running.url, timeout=10) as credits:
            credits.initialize_user("alice", 100)
        yield running


@pytest.fixture
def http(own: Server, tmp_path: Path) -> Iterator[FlaskClient]:
    app = Flask("shop")
    app.config.update(CREDITS_URL=own.url, CREDITS_OUTAGE_FOLDER=tmp_path / "outage")
    paywall = FlaskCredits(app, user=signed_in)

    @app.post("/chat")
    @paywall.charges(10, "chat", outage_limit=20)
    def chat() -> Any:
        return "answer", int(request.args.get("status", "200"))

    @app.post("/story")
    @paywall.holds(5, "story", outage_limit=10)
    def story() -> Any:
        return current_credits.charge.stream(iter("abc"), 1)

    @app.post("/other")
    @paywall.charges(10, "other")
    def other() -> str:
        return "answer"

    client = app.test_client()
    client.environ_base["HTTP_X_USER"] = "alice"
    yield client
    paywall.close(app)


def test_what_is_served_in_an_outage_is_charged_afterwards(own: Server, http: FlaskClient) -> None:
    assert http.post("/chat").status_code == 200
    own.kill()
    assert http.post("/other").status_code == 503
    assert http.post("/chat?status=500").status_code == 500
    served = http.post("/chat")
    assert (served.status_code, served.headers["Credits-Cost"]) == (200, "10")
    assert "Credits-Remaining" not in served.headers
    keyed = {"Idempotency-Key": "k"}
    assert http.post("/chat", headers=keyed).status_code == 200
    assert http.post("/chat").status_code == 503  # 20 credits are the limit
    assert http.post("/story", buffered=True).text == "abc"
    own.start()
    with Credits.from_url(own.url, timeout=10) as credits:
        wait_for(lambda: credits.get_balance("alice") == 67)
        assert sorted(log(credits, "alice")) == [(-10, "chat")] * 3 + [(-3, "story")]


def test_work_that_cannot_be_written_down_is_not_answered(
    own: Server, http: FlaskClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own.kill()
    journal = http.application.extensions["credits"].journal

    def full(entry: object) -> None:
        raise journal._unwritable(OSError(28, "No space left on device"))

    monkeypatch.setattr(journal, "_write", full)
    answer = http.post("/chat")
    assert (answer.status_code, answer.content_type) == (503, "application/problem+json")
    assert "answer" not in answer.text
    assert "Credits-Cost" not in answer.headers
    head = http.open("/chat", method="POST", headers={"Idempotency-Key": "k"})
    assert head.status_code == 503
    with pytest.raises(Exception, match="cannot be written"):
        http.post("/story", buffered=True)


def test_a_limit_needs_a_folder(app: Flask, paywall: FlaskCredits, payer: str) -> None:
    app.testing = True
    view = paywall.charges(1, "one", outage_limit=5)(lambda: "")
    app.add_url_rule("/", view_func=view)
    with pytest.raises(RuntimeError, match="CREDITS_OUTAGE_FOLDER"):
        app.test_client().get("/", headers={"X-User": payer})


def test_a_folder_that_cannot_be_made_is_told_at_start_up(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    app = Flask("shop")
    app.config.update(CREDITS_URL=server.url, CREDITS_OUTAGE_FOLDER=str(tmp_path / "file" / "x"))
    with pytest.raises(Exception, match="cannot be written"):
        FlaskCredits(app)


def test_a_request_with_a_key_that_comes_again_is_not_charged_anew(
    own: Server, http: FlaskClient
) -> None:
    keyed = {"Idempotency-Key": "k"}
    own.kill()
    assert http.post("/chat", headers=keyed).status_code == 200
    again = http.post("/chat", headers=keyed)
    assert (again.status_code, again.headers["Retry-After"]) == (409, "5")
    assert http.post("/story", headers=keyed, buffered=True).text == "abc"
    assert http.post("/story", headers=keyed).status_code == 409
    assert http.post("/chat?status=500", headers={"Idempotency-Key": "l"}).status_code == 500
    assert http.post("/chat", headers={"Idempotency-Key": "l"}).status_code == 200
    own.start()
    with Credits.from_url(own.url, timeout=10) as credits:
        journal = http.application.extensions["credits"].journal
        wait_for(lambda: credits.get_balance("alice") == 77 and not journal.pending)
        for path in ("/chat", "/story"):
            kept = http.post(path, headers=keyed)
            assert (kept.status_code, kept.json["title"]) == (409, "Answer not kept")  # type: ignore[index]
        assert http.post("/chat?other", headers=keyed).status_code == 422
        assert http.post("/chat", headers={"Idempotency-Key": "m"}).status_code == 200
        assert sorted(log(credits, "alice")) == [(-10, "chat")] * 3 + [(-3, "story")]


def test_a_key_that_two_processes_serve_in_an_outage_is_charged_once(
    own: Server, http: FlaskClient, tmp_path: Path
) -> None:
    keyed = {"Idempotency-Key": "k"}
    app = http.application
    own.kill()
    assert http.post("/chat", headers=keyed).status_code == 200
    with OutageJournal(tmp_path / "outage") as other:
        site = app.extensions["credits"]
        mine, site.journal = site.journal, other
        assert http.post("/chat", headers=keyed).status_code == 200
        site.journal = mine
    own.start()
    with Credits.from_url(own.url, timeout=10) as credits:
        wait_for(lambda: credits.get_balance("alice") == 90 and not mine.pending)
        assert log(credits, "alice") == [(-10, "chat")]
