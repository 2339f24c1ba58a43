"""What is read of a request, and of whom, before a route answers it."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest

from credits_core.http.exchange import Answer, Asked, Route, Who, answer
from credits_core.http.mounting import announces_more, asked_of, named, read_request, read_up_to


def handler(_: Asked) -> Any:
    yield from ()
    return answer({})


def route(who: Who, method: str = "POST") -> Route:
    return Route("it", method, "/it", who, handler, max_body=10)


def read(who: Who, asker: object, body: bytes = b"", **more: Any) -> Asked | Answer:
    headers = [("Content-Length", str(more.get("length", len(body))))]
    method = more.get("method", "POST")
    return read_request(route(who, method), asker, b"", headers, BytesIO(body).read)


class Trickle(BytesIO):
    """A stream that gives a byte at a time, as a socket may."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(1)


@pytest.mark.parametrize("stream", [BytesIO, Trickle])
@pytest.mark.parametrize("length", [0, 1, 9, 10])
def test_a_body_up_to_the_limit_is_read_whole(stream: Any, length: int) -> None:
    assert read_up_to(stream(b"x" * length).read, 10) == b"x" * length


@pytest.mark.parametrize("stream", [BytesIO, Trickle])
def test_of_a_longer_one_no_more_is_read_than_shows_it(stream: Any) -> None:
    source = stream(b"x" * 100)
    assert read_up_to(source.read, 10) is None
    assert source.tell() == 11


@pytest.mark.parametrize(
    ("length", "more"),
    [("10", False), ("11", True), ("0", False), (" 11 ", True), ("9" * 5000, True)]
    + [(odd, False) for odd in (None, "", "-11", "1e9", "١٢", "0x11", "11, 11")],
)
def test_a_length_that_is_announced(length: str | None, more: bool) -> None:
    assert announces_more(length, 10) is more


@pytest.mark.parametrize(
    ("who", "asker", "status"),
    [(Who.USER, None, 401), (Who.USER, "", 401), (Who.ADMIN, None, 403), (Who.ADMIN, "", 403)],
)
def test_nobody_is_refused_before_the_body_is_read(who: Who, asker: Any, status: int) -> None:
    def never(_: int) -> bytes:
        raise AssertionError("it was read")

    refused = read_request(route(who), asker, b"", [], never)
    assert isinstance(refused, Answer)
    assert refused.status == status


@pytest.mark.parametrize("asker", [True, 7, b"root", object()])
@pytest.mark.parametrize("who", [Who.USER, Who.ADMIN])
def test_what_is_no_id_is_a_mistake_of_the_app(who: Who, asker: object) -> None:
    with pytest.raises(TypeError, match=f"the id of the {who.value}"):
        read(who, asker)


def test_anybody_is_nobody_to_the_route() -> None:
    asked = read(Who.ANYBODY, None, b"{}")
    assert isinstance(asked, Asked)
    assert (asked.user_id, asked.body) == (None, b"{}")


def test_a_body_that_is_too_long_is_refused_whatever_is_announced() -> None:
    for length in (11, 1):
        refused = read(Who.USER, "alice", b"x" * 11, length=length)
        assert isinstance(refused, Answer)
        assert refused.status == 413


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
def test_where_a_body_has_no_meaning_none_is_read(method: str) -> None:
    asked = read(Who.USER, "alice", b"x" * 11, method=method)
    assert isinstance(asked, Asked)
    assert asked.body == b""


def test_odd_queries_and_headers_are_text() -> None:
    query = b"a=1&a=2&b=&c&%FF=%00&\xff=\xfe&d=%F0%9F%92%A9"
    asked = asked_of("alice", query, [("X-A", "1"), ("x-a", "2"), ("X-B", "\xff")])
    assert asked.query == {
        "a": "1",
        "b": "",
        "c": "",
        "d": "\U0001f4a9",
        "\ufffd": "\0",
        "\xff": "\xfe",
    }
    assert asked.headers == {"x-a": "1,2", "x-b": "\xff"}


def test_each_route_has_a_name_of_its_own() -> None:
    names = [name for name, _ in named([route(Who.USER), route(Who.USER), route(Who.USER)])]
    assert names == ["it", "it_2", "it_3"]
