"""The demo's account page: what it shows, what its buttons do, and what it refuses."""

import re
from collections.abc import Iterator
from html import unescape
from html.parser import HTMLParser

import httpx
import pytest
import redis

from credits_core import BalanceVerification, Transaction
from credits_fastapi.demo.app import create_app
from credits_fastapi.demo.page import Account, Button, Notice, render, render_trouble
from tests.adapters.test_fastapi_support import Served, client_of
from tests.support.servers import Server

HOSTILE = "<script>alert('x')</script>\"' onload=x &amp; ${user} $balance </bdi>\u202e"


class Tags(HTMLParser):
    """The tags and attributes of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.actions: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes.extend(attrs)
        self.actions.extend(value or "" for name, value in attrs if name == "action")


def account(text: str = "alice") -> Account:
    entry = Transaction("tx_1", -5, text, {text: text, "n": [1, {"a": text}]}, 0, "deduct")
    buttons = [Button(text, text, f"/account/chat?user={text}")]
    verified = BalanceVerification(valid=True, cached=95, calculated=95, difference=0)
    return Account(text, 12345, verified, [entry], buttons, Notice("bad", text, text))


def test_hostile_text_is_text() -> None:
    harmless, hostile = Tags(render(account("alice"))), Tags(render(account(HOSTILE)))
    assert hostile.tags == harmless.tags
    assert [name for name, _ in hostile.attributes] == [name for name, _ in harmless.attributes]
    assert HOSTILE in unescape(render(account(HOSTILE)))


def test_the_page_loads_nothing_from_elsewhere() -> None:
    page = render(account())
    tags = Tags(page)
    assert not {"script", "img", "link", "iframe"} & set(tags.tags)
    assert not {"src", "href", "style"} & {name for name, _ in tags.attributes}
    assert "http" not in page
    assert "url(" not in page


def test_figures_and_times() -> None:
    page = render(account())
    assert "12,345" in page
    assert "\N{MINUS SIGN}5" in page
    assert "01 Jan 1970, 00:00:00" in page
    assert "Verified: the log adds up to 95" in page


def test_a_drift_is_shown() -> None:
    for stored, text in ((100, "stored is 100"), (None, "stored is nothing")):
        drift = BalanceVerification(valid=False, cached=stored, calculated=95, difference=5)
        page = render(Account("alice", 100, drift, [], []))
        assert text in page
        assert "Nothing yet." in page


def test_trouble_is_a_page_without_an_account() -> None:
    page = render_trouble("Away", HOSTILE)
    assert HOSTILE in unescape(page)
    assert "form" not in Tags(page).tags


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    with client_of(create_app(url="memory://")) as client:
        client.follow_redirects = True
        yield client


def look(http: httpx.Client, user: str) -> str:
    response = http.get("/account", params={"user": user})
    assert response.status_code == 200
    return response.text


def press(http: httpx.Client, page: str, what: str) -> httpx.Response:
    address = next(action for action in Tags(page).actions if f"/{what}" in action)
    return http.post(address, headers={"Origin": str(http.base_url).rstrip("/")})


def balance(page: str) -> str:
    found = re.search(r'class="balance">([^ ]+) ', page)
    assert found is not None
    return found[1]


@pytest.mark.parametrize("user", ["alice", HOSTILE, "a/b?c#d%20&e=f", "\N{SNOWMAN} \u05d0"])
def test_the_buttons_do_what_they_say(http: httpx.Client, user: str) -> None:
    page = look(http, user)
    assert balance(page) == "0"
    page = press(http, page, "sign-up").text
    assert balance(page) == "100"
    page = press(http, page, "chat").text
    assert (balance(page), "paid and answered" in page) == ("90", True)
    refused = press(http, page, "video")
    assert refused.status_code == 200
    assert "210 credits short" in refused.text
    assert "This costs 300 credits and you have 90." in refused.text
    page = press(http, page, "top-up").text
    assert balance(page) == "590"
    page = press(http, page, "video").text
    assert balance(page) == "290"
    assert Tags(page).tags.count("tr") == 1 + 4


def test_a_double_click_pays_once(http: httpx.Client) -> None:
    page = press(http, look(http, "alice"), "sign-up").text
    for _ in range(3):
        assert balance(press(http, page, "top-up").text) == "600"


def test_a_reload_repeats_nothing(http: httpx.Client) -> None:
    done = press(http, press(http, look(http, "alice"), "sign-up").text, "chat")
    assert done.request.method == "GET"
    assert balance(http.get(done.url).text) == "90"


@pytest.mark.parametrize("path", ["/account/top-up", "/sign-up", "/top-up", "/chat", "/video"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "http://["},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_forms_of_other_sites_are_refused(
    http: httpx.Client, path: str, headers: dict[str, str]
) -> None:
    look(http, "alice")
    posted = http.post(f"{path}?user=alice", headers=headers)
    assert posted.status_code == 403
    page = look(http, "alice")
    assert balance(page) == "0"
    assert "Nothing yet." in page


def test_a_link_on_another_site_leads_to_the_page(http: httpx.Client) -> None:
    from_elsewhere = {"Sec-Fetch-Site": "cross-site"}
    assert http.get("/account?user=alice", headers=from_elsewhere).status_code == 200


def test_the_page_may_not_be_framed_or_run_scripts(http: httpx.Client) -> None:
    policy = http.get("/account?user=alice").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "script" not in policy


def test_the_address_cannot_put_words_on_the_page(http: httpx.Client) -> None:
    for query in ("done=hello", "short=-1", "short=1.5", "short=x"):
        assert http.get(f"/account?user=alice&{query}").status_code == 422
    assert "short" not in re.sub("<style>.*</style>", "", look(http, "alice"), flags=re.DOTALL)


def test_without_a_user_there_is_no_page(http: httpx.Client) -> None:
    assert http.get("/account").status_code == 401
    assert http.get("/account?user=%0a").status_code == 400


def test_a_payment_announced_twice_is_credited_once(http: httpx.Client) -> None:
    alice, payment = {"X-Demo-User": "alice"}, {"payment": "pay_1", "credits": 5}
    for _ in range(2):
        assert http.post("/top-up", json=payment, headers=alice).json()["balance"] == 5
    other = http.post("/top-up", json={**payment, "credits": 6}, headers=alice)
    assert other.status_code == 409
    assert other.headers["content-type"] == "application/problem+json"


def test_on_a_store_of_others_one_account_is_served(server: Server, user: str) -> None:
    with client_of(create_app(only=user, url=server.url)) as http:
        assert http.get(f"/account?user={user}").status_code == 200
        assert http.get("/account?user=alice").status_code == 403
        assert http.post("/chat", json={}, headers={"X-Demo-User": "alice"}).status_code == 403


def test_a_store_that_goes_away_is_told_on_the_page() -> None:
    with Server() as own, Served(create_app(url=own.url)) as served:
        own.kill()
        for response in (
            served.http.get("/account?user=alice"),
            served.http.post("/account/chat?user=alice"),
        ):
            assert response.status_code == 503
            assert response.headers["retry-after"] == "5"
            assert "The store is away" in response.text
            assert str(own.port) not in response.text


def test_an_account_that_cannot_be_worked_on_is_told_on_the_page(
    server: Server, raw: redis.Redis, user: str, caplog: pytest.LogCaptureFixture
) -> None:
    raw.set(f"balance:{user}", "plenty")
    with client_of(create_app(url=server.url)) as http:
        for response in (
            http.get(f"/account?user={user}"),
            http.post(f"/account/chat?user={user}"),
        ):
            assert response.status_code == 500
            assert "This account cannot be used" in response.text
            assert "plenty" not in response.text
    assert "plenty" in caplog.text


ENTRY = '{"id":"tx_1","amount":5,"action":"chat","metadata":{"text":"%s"},"timestamp":1}'


@pytest.mark.parametrize("score", [10**15, 10**18, -(10**15), 1.7e308])
def test_a_time_that_no_calendar_has_is_told(
    server: Server, raw: redis.Redis, user: str, score: float
) -> None:
    raw.set(f"balance:{user}", 5)
    raw.zadd(f"txs:{user}", {ENTRY % "far": score})
    with client_of(create_app(url=server.url)) as http:
        assert "This account cannot be used" in http.get(f"/account?user={user}").text
        answer = http.get(f"/history?user={user}")
        assert answer.headers["content-type"] == "application/problem+json"


def test_half_a_character_in_the_log_is_shown(server: Server, raw: redis.Redis, user: str) -> None:
    raw.set(f"balance:{user}", 5)
    raw.zadd(f"txs:{user}", {ENTRY % "cut \\ud83d": 1})
    with client_of(create_app(url=server.url)) as http:
        assert "text cut " in look(http, user)
        assert http.get(f"/history?user={user}").status_code == 200
