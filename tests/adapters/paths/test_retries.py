"""Requests with an `Idempotency-Key` that come again."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pytest

from credits_core import RepeatedRequestError
from credits_core.http.problems import problem
from tests.adapters.paths.books import GIVEN_BACK, PAID, log, spent, wait_for
from tests.adapters.paths.contract import DONE, piece
from tests.adapters.paths.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from credits_core import Credits
    from tests.adapters.paths.sites import Site

pytestmark = pytest.mark.long


def assert_problem(response: httpx.Response, state: Any) -> None:
    """It is answered in the bytes of this state of a request."""
    wanted = problem(RepeatedRequestError(state, "of this key"))
    assert response.status_code == wanted.status
    assert response.content == json.dumps(wanted.body).encode()
    assert response.headers["Content-Type"] == wanted.headers["Content-Type"]
    assert response.headers["Cache-Control"] == "no-store"


def in_background(call: Callable[[], httpx.Response]) -> Callable[[], httpx.Response]:
    """Begin the call; what is answered joins it."""
    answers: list[httpx.Response] = []
    thread = threading.Thread(target=lambda: answers.append(call()))
    thread.start()

    def join() -> httpx.Response:
        thread.join(15)
        return answers[0]

    return join


def test_the_same_request_again_is_answered_as_the_first_was(
    site: Site, credits: Credits, payer: str
) -> None:
    first = site.post("/echo", payer, "k")
    assert first.json()["echo"] == "hello"
    assert "Set-Cookie" in first.headers
    assert "Idempotency-Replayed" not in first.headers
    credits.add(payer, 5, "top_up")
    for _ in range(2):
        again = site.post("/echo", payer, "k")
        assert (again.status_code, again.content) == (first.status_code, first.content)
        for name in ("X-Answer", "Content-Type", "Credits-Cost", "Credits-Remaining"):
            assert again.headers[name] == first.headers[name]
        assert (first.headers["Credits-Cost"], first.headers["Credits-Remaining"]) == ("10", "90")
        assert again.headers["Idempotency-Replayed"] == "true"
        assert "Set-Cookie" not in again.headers
        assert len(again.headers.get_list("Date")) <= 1
        assert again.headers.get_list("Content-Length") in ([], [str(len(first.content))])
    assert log(credits, payer) == [*PAID, (5, "top_up")]


def test_while_the_first_runs_the_same_is_409_and_then_it_is_its_answer(
    site: Site, credits: Credits, payer: str
) -> None:
    first = in_background(lambda: site.post("/echo?seconds=2", payer, "k"))
    wait_for(lambda: log(credits, payer) == PAID)
    running = site.post("/echo?seconds=2", payer, "k")
    assert_problem(running, "running")
    assert 1 <= int(running.headers["Retry-After"]) <= 5
    assert first().status_code == 200
    again = site.post("/echo?seconds=2", payer, "k")
    assert again.headers["X-Answer"] == first().headers["X-Answer"]
    assert log(credits, payer) == PAID


def test_ten_at_once_are_charged_once(site: Site, credits: Credits, payer: str) -> None:
    calls = [in_background(lambda: site.post("/echo?seconds=2", payer, "k")) for _ in range(10)]
    statuses = sorted(call().status_code for call in calls)
    assert statuses.count(200) == 1
    assert set(statuses) == {200, 409}
    assert log(credits, payer) == PAID


@pytest.mark.parametrize(
    ("path", "body"), [("/echo", "hello!"), ("/echo", ""), ("/echo?size=1", "hello")]
)
def test_another_body_or_query_under_the_same_key_is_422(
    site: Site, credits: Credits, payer: str, path: str, body: str
) -> None:
    site.post("/echo", payer, "k")
    other = site.post(path, payer, "k", body)
    assert_problem(other, "mismatch")
    assert "Retry-After" not in other.headers
    assert log(credits, payer) == PAID


def test_a_form_with_a_file_is_the_same_under_another_boundary(
    site: Site, credits: Credits, payer: str
) -> None:
    def send(content: bytes) -> httpx.Response:
        headers = {"X-User": payer, "Idempotency-Key": "k"}
        return site.http.post("/echo", files={"file": content}, headers=headers)

    first, again = send(b"a sound"), send(b"a sound")
    assert first.request.headers["Content-Type"] != again.request.headers["Content-Type"]
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.content == first.content
    assert_problem(send(b"another sound"), "mismatch")
    assert log(credits, payer) == PAID


@pytest.mark.parametrize("key", ["", '""', '"  "', "x" * 256, "a\tb"])
def test_a_key_that_is_none_is_said_to_be(
    site: Site, credits: Credits, payer: str, key: str
) -> None:
    answer = site.post("/echo", payer, key)
    assert answer.status_code == 400
    assert answer.json()["type"].endswith(":invalid-idempotency-key")
    assert log(credits, payer) == []


def test_the_key_of_another_user_or_another_route_is_another(
    site: Site, credits: Credits, payer: str, new_user: Callable[[], str]
) -> None:
    other = new_user()
    credits.initialize_user(other, 100)
    answers = {
        site.post(path, user, "k").headers["X-Answer"]
        for path, user in [("/echo", payer), ("/echo", other), ("/echo-elsewhere", payer)]
    }
    assert len(answers) == 3
    assert (spent(credits, payer), spent(credits, other)) == (20, 10)


@pytest.mark.parametrize("how", ["raise", "return"])
def test_what_failed_is_tried_anew_and_paid_then(
    site: Site, credits: Credits, payer: str, how: str
) -> None:
    path = f"/fails-first?how={how}"
    assert site.post(path, payer, "k").status_code == {"raise": 500, "return": 503}[how]
    assert log(credits, payer) == GIVEN_BACK
    again = site.post(path, payer, "k")
    assert (again.status_code, again.json()) == (200, DONE)
    assert "Idempotency-Replayed" not in again.headers
    third = site.post(path, payer, "k")
    assert third.headers["Idempotency-Replayed"] == "true"
    assert log(credits, payer) == [*GIVEN_BACK, *PAID]


def test_what_was_too_expensive_can_be_asked_again_as_soon_as_it_is_answered(
    site: Site, credits: Credits, payer: str
) -> None:
    for _ in range(30):
        assert site.post("/big", payer, "k").status_code == 402
    credits.add(payer, 1000, "top_up")
    assert site.post("/big", payer, "k").status_code == 200
    assert site.post("/big", payer, "k").status_code == 200
    assert credits.get_balance(payer) == 100


def test_what_broke_can_be_asked_again_as_soon_as_it_is_answered(
    site: Site, payer: str, new_user: Callable[[], str], credits: Credits
) -> None:
    for _ in range(10):
        user = new_user()
        credits.initialize_user(user, 10)
        assert site.post("/fails-first?how=return", user, "k").status_code == 503
        assert site.post("/fails-first?how=return", user, "k").status_code == 200


def test_a_stream_is_kept_as_it_was(site: Site, credits: Credits, payer: str) -> None:
    first, again = (site.post("/echo-stream?pieces=3", payer, "k") for _ in range(2))
    assert first.text == again.text == piece(1) + piece(2) + piece(3)
    assert again.headers["Content-Type"] == first.headers["Content-Type"]
    assert again.headers["Idempotency-Replayed"] == "true"
    assert log(credits, payer) == PAID


def test_an_answer_that_is_too_large_is_told_and_not_charged_again(
    site: Site, credits: Credits, payer: str
) -> None:
    assert len(site.post("/echo?size=300000", payer, "k").json()["padding"]) == 300_000
    for _ in range(2):
        assert_problem(site.post("/echo?size=300000", payer, "k"), "not_kept")
    assert log(credits, payer) == PAID


def test_a_large_answer_that_still_fits_is_kept(site: Site, credits: Credits, payer: str) -> None:
    first, again = (site.post("/echo?size=250000", payer, "k") for _ in range(2))
    assert first.content == again.content
    assert log(credits, payer) == PAID


@pytest.mark.parametrize(
    "key", ["k" * 255, "8e03978e-40d5-43dd-bc93-6894a57f9324", "a b", "\xff\xfe", "'", '"', "{}"]
)
def test_a_key_is_any_line_of_at_most_255_characters(
    site: Site, credits: Credits, payer: str, key: str
) -> None:
    first, again = (site.post("/echo", payer, key.encode("latin-1")) for _ in range(2))
    assert first.headers["X-Answer"] == again.headers["X-Answer"]
    assert log(credits, payer) == PAID


@pytest.mark.parametrize("key", [b"", b'""', b"k" * 256, b"a\x85b", b"a\tb", b"\x7f"])
def test_a_key_that_is_none_is_400_and_charges_nothing(
    site: Site, credits: Credits, payer: str, key: bytes
) -> None:
    response = site.post("/echo", payer, key)
    assert response.status_code == 400
    assert log(credits, payer) == []


def test_a_key_in_quotes_is_the_same_key(site: Site, credits: Credits, payer: str) -> None:
    first, again = (site.post("/echo", payer, key) for key in ("key-1", '"key-1"'))
    assert first.headers["X-Answer"] == again.headers["X-Answer"]
    assert log(credits, payer) == PAID


def test_the_shop_does_not_open_for_who_has_no_account(
    site: Site, credits: Credits, user: str
) -> None:
    assert site.post("/echo", user, "k").status_code == 402
    credits.initialize_user(user, 10)
    assert site.post("/echo", user, "k").status_code == 200


def test_a_stream_that_was_left_in_its_middle_is_served_whole_and_charged_once(
    site: Site, credits: Credits, payer: str
) -> None:
    path = "/echo-stream?pieces=40&pause=0.02"
    with Reader(site, path, payer, method="POST", key="k") as reader:
        reader.read_until(piece(2))
        reader.leave()

    def comes_again() -> bool:
        answers.append(site.post(path, payer, "k", ""))
        return answers[-1].status_code == 200

    answers: list[httpx.Response] = []
    wait_for(comes_again)
    assert answers[-1].text.endswith(piece(40))
    assert spent(credits, payer) == 10


def test_who_leaves_a_stream_again_and_again_has_one_price_twice_at_most(
    site: Site, credits: Credits, payer: str
) -> None:
    """Else who never reads the last piece would have the work for nothing, as often as he likes."""
    path = "/echo-stream?pieces=40&pause=0.02"

    def is_served_and_leaves() -> bool:
        with Reader(site, path, payer, method="POST", key="k") as reader:
            if b" 200 " not in reader.read_until("\r\n"):
                return False  # the server has not noticed yet
            reader.read_until(piece(2))
            reader.leave()
        return True

    wait_for(is_served_and_leaves)
    wait_for(is_served_and_leaves)
    wait_for(lambda: "request-in-progress" not in site.post(path, payer, "k", "").text)
    assert_problem(site.post(path, payer, "k", ""), "not_kept")
    assert spent(credits, payer) == 10


def test_work_whose_client_left_is_kept_for_when_it_comes_again(
    site: Site, credits: Credits, payer: str
) -> None:
    path = "/echo?seconds=0.3"
    with Reader(site, path, payer, method="POST", key="k") as reader:
        wait_for(lambda: log(credits, payer) == PAID)
        reader.leave()
    wait_for(lambda: site.post(path, payer, "k", "").status_code == 200)
    assert site.post(path, payer, "k", "").headers["Idempotency-Replayed"] == "true"
    # Where it is cancelled, the next one may begin before the first is given back.
    entries = [*GIVEN_BACK, *PAID] if site.cancels else PAID
    assert sorted(log(credits, payer)) == sorted(entries)
