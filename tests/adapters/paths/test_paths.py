"""What each way out of a paid request answers, tells and leaves in the log."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from credits_core import InsufficientCreditsError, InvalidRequestError
from credits_core.http.problems import PROBLEM_JSON, problem
from tests.adapters.paths.books import GIVEN_BACK, PAID, log, wait_for
from tests.adapters.paths.contract import DONE, TOP_UP_URL

if TYPE_CHECKING:
    import httpx

    from credits_core import Credits
    from tests.adapters.paths.sites import Site


def told(response: httpx.Response) -> tuple[str | None, str | None]:
    """What the headers say of the cost, and of what is left."""
    return response.headers.get("Credits-Cost"), response.headers.get("Credits-Remaining")


NOTHING = (None, None)
FREE = ("0", "100")
HELD = (-4, "held")
GROWN = [(-2, "hold_extended"), (-4, "hold_extended")]
ENDINGS: list[tuple[str, int, tuple[str | None, str | None], list[tuple[int, str]]]] = [
    ("/ok", 200, ("10", "90"), PAID),
    ("/no-content", 204, ("10", "90"), PAID),
    ("/raised-404", 404, FREE, GIVEN_BACK),
    ("/returned-404", 404, FREE, GIVEN_BACK),
    ("/returned-500", 500, FREE, GIVEN_BACK),
    ("/broken", 500, NOTHING, GIVEN_BACK),
    ("/stream", 200, ("10", "90"), PAID),
    ("/held", 200, ("4", None), [HELD, (0, "held")]),
    ("/held-7", 200, ("7", None), [HELD, (-3, "held")]),
    ("/held-404", 404, FREE, [HELD, (4, "held")]),
    ("/held-broken", 500, NOTHING, [HELD, (4, "held")]),
    ("/nested", 200, ("10", None), [HELD, *GROWN, (0, "held")]),
    ("/free", 200, ("0", None), []),
    ("/exempt", 200, ("10", "90"), [(-10, "exempt")]),
    ("/priced?seconds=3", 200, ("30", "70"), [(-30, "video_generation")]),
    ("/priced?seconds=0", 200, ("0", None), []),
]


@pytest.mark.parametrize(
    ("path", "status", "headers", "logged"), ENDINGS, ids=[one[0] for one in ENDINGS]
)
def test_each_way_out_is_settled_and_told(
    site: Site, credits: Credits, payer: str, path: str, status: int, headers: Any, logged: Any
) -> None:
    response = site.get(path, payer)
    assert response.status_code == status
    # Where the answer to a crash is made outside of what settles, it cannot tell.
    assert told(response) in ((headers, FREE) if headers == NOTHING else (headers,))
    if status < 400 and logged and logged[0] == HELD:
        # A hold is settled when the answer has left.
        wait_for(lambda: credits.get_account(payer).held == 0)
    assert log(credits, payer) == logged
    if status == 200 and path != "/stream":
        assert response.json() == DONE


@pytest.mark.parametrize("path", ["/raised-404", "/broken", "/held-broken"])
def test_who_comes_again_after_a_failure_pays_once(
    site: Site, credits: Credits, payer: str, path: str
) -> None:
    for _ in range(3):
        site.get(path, payer)
    assert site.get("/ok", payer).status_code == 200
    assert credits.get_balance(payer) == 90


def test_a_shortage_is_402_in_the_same_bytes_everywhere(
    site: Site, credits: Credits, payer: str
) -> None:
    error = InsufficientCreditsError(1000, 100)
    error.action = "big"
    wanted = problem(error, top_up_url=TOP_UP_URL)
    response = site.get("/big", payer)
    assert response.status_code == 402
    assert response.content == json.dumps(wanted.body).encode()
    assert told(response) == NOTHING
    for name, value in wanted.headers.items():
        assert response.headers[name] == value
    assert log(credits, payer) == []


def test_a_price_that_was_affordable_once_is_refused_when_it_is_not(
    site: Site, credits: Credits, user: str
) -> None:
    credits.initialize_user(user, 25)
    assert [site.get("/ok", user).status_code for _ in range(4)] == [200, 200, 402, 402]
    assert site.get("/held", user).status_code == 200
    wait_for(lambda: credits.get_account(user).held == 0)
    assert credits.get_balance(user) == 1


def test_who_is_exempt_pays_nothing_and_needs_no_account(
    site: Site, credits: Credits, user: str
) -> None:
    response = site.get("/exempt", f"staff-{user}")
    assert (response.status_code, response.json(), told(response)) == (200, DONE, ("0", None))
    assert credits.get_transactions(f"staff-{user}") == []


@pytest.mark.parametrize("path", ["/ok", "/held", "/free", "/exempt", "/big", "/metered"])
def test_without_a_user_it_is_401_before_anything_is_charged(site: Site, path: str) -> None:
    response = site.http.get(path)
    assert response.status_code == 401
    assert told(response) == NOTHING


@pytest.mark.parametrize("path", ["/ok", "/held", "/free", "/metered"])
@pytest.mark.parametrize("bad", [b"x" * 257, b"a\xc2\x80b", b"\xa0", b"tab\tinside", b"\xc2" * 129])
def test_a_bad_user_id_is_400_in_the_same_bytes_and_no_echo(
    site: Site, path: str, bad: bytes
) -> None:
    response = site.http.get(path, headers={"X-User": bad})
    wanted = problem(InvalidRequestError("of this user"))
    assert response.status_code == 400
    assert response.headers["Content-Type"] == PROBLEM_JSON
    assert response.content == json.dumps(wanted.body).encode()
    assert told(response) == NOTHING


@pytest.mark.parametrize("path", ["/ok", "/held"])
def test_a_user_id_that_is_no_header_is_400_and_no_echo(site: Site, path: str) -> None:
    """Some servers refuse it themselves."""
    response = site.http.get(path, headers={"X-User": b"a\x7fb"})
    assert (response.status_code, told(response)) == (400, NOTHING)


def test_an_odd_user_id_is_a_user_like_any_other(site: Site, credits: Credits, user: str) -> None:
    odd = f"{user} {{}} <b> ' \" * \xe9"
    credits.initialize_user(odd, 100)
    response = site.http.get("/ok", headers={"X-User": odd.encode("latin-1")})
    assert told(response) == ("10", "90")
    assert log(credits, odd) == PAID


def test_a_bad_price_of_the_request_is_refused_and_charges_nothing(
    site: Site, credits: Credits, payer: str
) -> None:
    response = site.get("/priced?seconds=-1", payer)
    assert response.status_code in (400, 500)
    assert response.headers["Content-Type"] == PROBLEM_JSON
    assert log(credits, payer) == []
