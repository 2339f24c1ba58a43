"""Requests that nobody means well by, route by route, and what each is answered.

`python -m tests.adapters.account_api.attacks` prints the table of `docs/reference/account-api.md`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from tests.adapters.account_api.asking import ADMIN, CRON, ROUTES, signed

if TYPE_CHECKING:
    import httpx

    from credits_core.http.exchange import Route
    from tests.adapters.paths.sites import Site

JSON: Final = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Target:
    """A route, and a request to it that is as it should be."""

    name: str
    method: str
    who: str
    body: dict[str, Any] | None = None
    huge: dict[str, str] = field(default_factory=dict)
    """A query that asks for more than there is."""

    @property
    def route(self) -> Route:
        return ROUTES[self.name, self.method]

    def auth(self, user: str) -> dict[str, str]:
        """What the app's auth, or the route, takes for the one who may."""
        return {"user": {"X-User": user}, "admin": ADMIN, "clock": CRON}.get(self.who, {})


_GRANT: Final = {"targetUserId": "{victim}", "amount": 5, "reason": "an apology"}
_REFUND: Final = {"targetUserId": "{victim}", "txId": "{charge}", "reason": "it broke"}
_SIGN_UP: Final = {"type": "user.created", "data": {"id": "{victim}"}}
_REPORT: Final = {"holdId": "{charge}", "userId": "{victim}", "status": "failed"}
_ORDER: Final = {"packageId": "starter"}

TARGETS: Final = (
    Target("balance", "GET", "user"),
    Target("history", "GET", "user", huge={"limit": "1000000"}),
    Target("usage", "GET", "user", huge={"days": "1000000"}),
    Target("account", "GET", "user"),
    Target("grant", "POST", "admin", _GRANT),
    Target("refund", "POST", "admin", _REFUND),
    Target("reconcile", "POST", "clock", huge={"budget": "1000000"}),
    Target("checkout", "POST", "user", _ORDER),
    Target("packages", "GET", "anybody"),
    Target("webhook-clerk", "POST", "provider", _SIGN_UP),
    Target("webhook-jobs", "POST", "provider", _REPORT),
)


@dataclass(frozen=True)
class Attacked:
    """Whom an attack is by, whom it is to harm, and a charge of theirs."""

    attacker: str
    victim: str
    charge: str

    def body_of(self, target: Target, **changes: Any) -> bytes:
        """The body that the route takes, with some changes."""
        if target.body is None:
            return b""
        body = json.dumps({**target.body, **changes})
        return body.replace("{victim}", self.victim).replace("{charge}", self.charge).encode()


def send(site: Site, target: Target, attack: str, who: Attacked) -> httpx.Response:
    """The answer to an attack."""
    request: dict[str, Any] = {
        "method": target.method,
        "headers": {**target.auth(who.attacker), **JSON},
        "content": who.body_of(target),
    }
    if target.who == "provider":
        event = json.loads(request["content"])
        request["content"], request["headers"] = signed(target.name, event)
    ATTACKS[attack](request, target, who)
    return site.http.request(url=target.route.path, **request)


def _as_it_should_be(request: dict[str, Any], target: Target, who: Attacked) -> None:
    pass


def _no_auth(request: dict[str, Any], target: Target, who: Attacked) -> None:
    request["headers"] = {"X-Other": "root", **JSON}


def _another_user(request: dict[str, Any], target: Target, who: Attacked) -> None:
    """The id of another user wherever it might be looked for; an admin's own as the target."""
    names = ("userId", "user_id", "user", "targetUserId", "id", "sub")
    request["params"] = dict.fromkeys(names, who.victim)
    request["headers"] |= {"X-User-Id": who.victim, "X-Forwarded-User": who.victim}
    if target.who != "provider":
        own = "root" if target.who == "admin" else who.victim
        request["content"] = who.body_of(target, targetUserId=own) or json.dumps({"userId": own})


def _no_json(request: dict[str, Any], target: Target, who: Attacked) -> None:
    request["content"] = b'{"amount": \xff\x00 NaN'


def _wrong_fields(request: dict[str, Any], target: Target, who: Attacked) -> None:
    request["content"] = b'{"targetUserId": [], "amount": true, "reason": "", "txId": {}}'


def _wrong_type(request: dict[str, Any], target: Target, who: Attacked) -> None:
    kept = {k: v for k, v in request["headers"].items() if k.lower() != "content-type"}
    request["headers"] = {**kept, "Content-Type": "text/plain"}


def _wrong_method(request: dict[str, Any], target: Target, who: Attacked) -> None:
    request["method"] = "DELETE"


def _huge(request: dict[str, Any], target: Target, who: Attacked) -> None:
    request["params"] = target.huge or {"limit": "1000000"}
    if target.who == "admin":
        request["content"] = who.body_of(target, amount=10**18)


def _hostile_query(request: dict[str, Any], target: Target, who: Attacked) -> None:
    names = ("limit", "days", "cursor", "budget", "startTime", "endTime")
    request["params"] = "&".join(f"{name}=%00%FF%F0%9F" for name in names)


def _hostile_headers(request: dict[str, Any], target: Target, who: Attacked) -> None:
    request["headers"] |= {
        "Idempotency-Key": b"\xff" * 300,
        "X-Admin-Id": b"\xfe\xff",
        "Cookie": b"sessionid=\xff\xfe; csrftoken=\x80",
        "Accept": b"\xff/*;q=nan",
        "svix-signature": b"v1,\xff \xfe",
        "webhook-signature": b"v1a,\x80==",
    }


def _large_body(request: dict[str, Any], target: Target, who: Attacked) -> None:
    request["content"] = b" " * (target.route.max_body + 1)


ATTACKS: Final = {
    "as it should be": _as_it_should_be,
    "no auth": _no_auth,
    "another's id": _another_user,
    "no JSON": _no_json,
    "wrong fields": _wrong_fields,
    "another type": _wrong_type,
    "wrong method": _wrong_method,
    "a huge number": _huge,
    "hostile query": _hostile_query,
    "hostile headers": _hostile_headers,
    "a long body": _large_body,
}

_READ: Final = (200, 401, 200, 200, 200, 200, 405, 200, 200, 200, 200)
_READ_BY_QUERY: Final = (200, 401, 200, 200, 200, 200, 405, 400, 400, 200, 200)
_SIGNED: Final = (200, 400, 200, 400, 400, 200, 405, 200, 200, 400, 413)
_DONE: Final = (200, 403, 403, 400, 422, 415, 405, 422, 200, 400, 413)

EXPECTED: Final[dict[str, dict[str, int]]] = {
    name: dict(zip(ATTACKS, statuses, strict=True))
    for name, statuses in {
        "balance": _READ,
        "history": _READ_BY_QUERY,
        "usage": _READ_BY_QUERY,
        "account": _READ,
        "grant": _DONE,
        "refund": _DONE,
        "reconcile": (200, 401, 200, 200, 200, 200, 405, 400, 400, 200, 413),
        "checkout": (200, 401, 200, 400, 422, 415, 405, 200, 200, 400, 413),
        "packages": (200, 200, 200, 200, 200, 200, 405, 200, 200, 200, 200),
        "webhook-clerk": _SIGNED,
        "webhook-jobs": _SIGNED,
    }.items()
}


def table() -> str:
    """The answers as a table of the docs."""
    head = f"| | {' | '.join(ATTACKS)} |\n|---|{'---|' * len(ATTACKS)}\n"
    rows = (
        f"| {target.method} {target.name} | "
        f"{' | '.join(str(status) for status in EXPECTED[target.name].values())} |\n"
        for target in TARGETS
    )
    return head + "".join(rows)


if __name__ == "__main__":
    print(table(), end="")
