"""Answers in pieces: streams, files, and HEAD of them."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest
from flask import (
    Flask,
    request,
    send_file,
    stream_with_context,
)

from credits_core import Credits, current_charge
from credits_core.charge import charges as charged_function
from credits_flask import FlaskCredits, current_credits
from tests.adapters.paths.books import GIVEN_BACK, PAID, log

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask.testing import FlaskClient


def test_head_of_a_page_costs_what_the_page_costs_and_of_a_stream_nothing(
    app: Flask, paywall: FlaskCredits, http: FlaskClient, credits: Credits, payer: str
) -> None:
    @app.get("/page")
    @paywall.charges(10, "fixed")
    def page() -> str:
        return "answer"

    @app.get("/stream")
    @paywall.charges(10, "fixed")
    def stream() -> Any:
        return iter(["one", "two"])

    @app.get("/metered")
    @paywall.holds(5, "metered")
    def metered() -> Any:
        return current_credits.charge.stream(iter(["one", "two"]), 1)

    assert http.head("/page").headers["Credits-Cost"] == "10"
    assert http.head("/stream").headers["Credits-Cost"] == "0"
    assert http.head("/metered").headers["Credits-Cost"] == "0"
    assert log(credits, payer) == [*PAID, *GIVEN_BACK, (-5, "metered"), (5, "metered")]


def test_a_stream_with_its_context_is_metered_inside_it(
    app: Flask, paywall: FlaskCredits, http: FlaskClient, credits: Credits, payer: str
) -> None:
    @app.get("/story")
    @paywall.holds(2, "story", step=2)
    def story() -> Any:
        def words() -> Iterator[str]:
            for word in request.args["words"].split():
                assert current_charge() is charge
                yield word

        charge = current_credits.charge
        return stream_with_context(charge.stream(words(), 1))

    assert http.get("/story?words=once+upon+a+time").text == "onceuponatime"
    assert credits.get_balance(payer) == 96
    answer = http.get("/story?words=once+upon+a+time", buffered=False)
    pieces = answer.iter_encoded()
    assert [next(pieces), next(pieces), next(pieces)] == [b"once", b"upon", b"a"]
    answer.close()
    assert credits.get_balance(payer) == 94  # the third was not asked to follow
    assert credits.get_account(payer).held == 0


def test_paid_work_in_the_pieces_of_a_stream_is_paid_by_its_charge(
    app: Flask, paywall: FlaskCredits, http: FlaskClient, credits: Credits, payer: str
) -> None:
    @charged_function(3, user="user", client=lambda: current_credits.client)
    def inner(user: str) -> str:
        return "inner"

    @app.get("/stream")
    @paywall.charges(10, "fixed")
    def stream() -> Any:
        def pieces() -> Iterator[str]:
            yield "outer"
            yield inner(payer)

        return stream_with_context(pieces())

    assert http.get("/stream").text == "outerinner"
    assert log(credits, payer) == PAID


def test_a_charge_in_a_stream_that_nobody_would_end_is_refused(
    app: Flask, paywall: FlaskCredits, http: FlaskClient, credits: Credits, payer: str
) -> None:
    @app.get("/stream")
    def stream() -> Any:
        def pieces() -> Iterator[str]:
            yield "one"
            paywall.require_credits(10)

        return stream_with_context(pieces())

    with pytest.raises(RuntimeError, match="the answer has begun"):
        http.get("/stream", buffered=True)
    assert log(credits, payer) == []


def test_files_are_paid_when_they_are_sent(
    app: Flask, paywall: FlaskCredits, http: FlaskClient, credits: Credits, payer: str
) -> None:
    @app.get("/file/<int:size>")
    @paywall.charges(10, "fixed")
    def file(size: int) -> Any:
        return send_file(io.BytesIO(b"x" * size), "application/octet-stream", etag="the-file")

    small = http.get("/file/10")
    assert (len(small.data), small.headers["Credits-Cost"]) == (10, "10")
    large = http.get("/file/100000")
    assert (len(large.data), large.headers["Credits-Remaining"]) == (100_000, "80")
    part = http.get("/file/100000", headers={"Range": "bytes=5-14"})
    assert (part.status_code, len(part.data)) == (206, 10)
    assert http.get("/file/10", headers={"If-None-Match": '"the-file"'}).status_code == 304
    assert credits.get_balance(payer) == 60
    left = http.get("/file/100000", buffered=False)
    left.close()
    assert log(credits, payer) == 4 * PAID + GIVEN_BACK
    half = http.get("/file/100000", buffered=False)
    pieces = iter(half.response)
    assert len(next(pieces) + next(pieces)) > 8192
    half.close()
    assert credits.get_balance(payer) == 50


def test_a_stream_that_is_under_way_pays_for_nothing_else(
    app: Flask, paywall: FlaskCredits, http: FlaskClient, credits: Credits, payer: str
) -> None:
    app.add_url_rule("/", view_func=paywall.charges(10, "fixed")(lambda: iter(["one", "two"])))
    answer = http.get("/", buffered=False)
    assert next(answer.iter_encoded()) == b"one"
    assert current_charge() is None
    assert answer.text == "two"
    assert log(credits, payer) == PAID


def test_a_whole_answer_is_settled_although_nobody_takes_it(
    app: Flask, paywall: FlaskCredits, http: FlaskClient, credits: Credits, payer: str
) -> None:
    @app.get("/<int:status>")
    @paywall.holds(5, "held")
    def held(status: int) -> Any:
        return ("answer", status) if status != 204 else ("", 204)

    taken = http.get("/200", buffered=False)
    assert next(taken.iter_encoded()) == b"answer"
    taken.close()
    assert credits.get_account(payer).held == 0
    assert credits.get_balance(payer) == 95
    assert http.get("/204", buffered=True).headers["Credits-Cost"] == "5"
    assert credits.get_balance(payer) == 90
