"""The account page: a pure function of what it shows."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING
from urllib.parse import urlencode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from credits_core import BalanceVerification, Transaction

__all__ = ["Account", "Button", "Notice", "render", "render_trouble"]

# Nothing is loaded, run or framed, and forms go nowhere else: the page is text and style.
SECURITY_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True)
class Button:
    """A form with one button: what it says, the line under it, and where it posts to."""

    label: str
    price: str
    action: str
    main: bool = False


@dataclass(frozen=True, slots=True)
class Notice:
    """A message above the account; `kind` is "good" or "bad"."""

    kind: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Account:
    """What the page shows."""

    user_id: str
    balance: int
    verification: BalanceVerification
    transactions: Sequence[Transaction]
    buttons: Sequence[Button]
    notice: Notice | None = None


def render(account: Account) -> str:
    """The page as HTML; every value is text in it, whatever characters it holds."""
    return _template().substitute(
        user=escape(account.user_id),
        balance=f"{account.balance:,}",
        verification=_verification(account.verification),
        notice="" if account.notice is None else _notice(account.notice),
        buttons="".join(map(_button, account.buttons)),
        history=_history(account.transactions),
    )


def render_trouble(title: str, text: str) -> str:
    """A page that only says what is wrong."""
    page = _template().template
    start, end = page.index("<main>"), page.index("</main>")
    message = _notice(Notice("bad", title, text))
    return Template(page[:start] + "<main>$notice" + page[end:]).substitute(
        user="no account", notice=message
    )


@cache
def _template() -> Template:
    return Template(Path(__file__).with_name("page.html").read_text(encoding="utf-8"))


def _verification(found: BalanceVerification) -> str:
    if found.valid:
        return f'<p class="seal good">Verified: the log adds up to {found.calculated:,}</p>'
    stored = "nothing" if found.cached is None else f"{found.cached:,}"
    return (
        f'<p class="seal bad">Drift: stored is {stored}, '
        f"the log adds up to {found.calculated:,}</p>"
    )


def _notice(notice: Notice) -> str:
    role = "alert" if notice.kind == "bad" else "status"
    return (
        f'<section class="notice {escape(notice.kind)}" role="{role}">'
        f"<strong>{escape(notice.title)}</strong><span>{escape(notice.text)}</span></section>"
    )


def _button(button: Button) -> str:
    look = ' class="main"' if button.main else ""
    return (
        f'<form method="post" action="{escape(button.action)}"><button{look}>'
        f"{escape(button.label)}<small>{escape(button.price)}</small></button></form>"
    )


def _history(transactions: Sequence[Transaction]) -> str:
    if not transactions:
        return '<p class="empty">Nothing yet.</p>'
    rows = "".join(map(_row, transactions))
    return (
        '<table><thead><tr><th scope="col">Time (UTC)</th><th scope="col">Action</th>'
        '<th scope="col" class="details">Details</th>'
        '<th scope="col" class="number">Credits</th></tr></thead>'
        f"<tbody>{rows}</tbody></table>"
    )


def _row(entry: Transaction) -> str:
    when = entry.time
    direction = "in" if entry.amount > 0 else "out"
    details = ", ".join(f"{key} {_short(value)}" for key, value in (entry.metadata or {}).items())
    return (
        f'<tr><td><time datetime="{when.isoformat()}">{when:%d %b %Y, %H:%M:%S}</time></td>'
        f"<td><bdi>{escape(entry.action)}</bdi></td>"
        f'<td class="details"><bdi>{escape(details)}</bdi></td>'
        f'<td class="number {direction}">{_signed(entry.amount)}</td></tr>'
    )


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else text[:39] + "…"


def _signed(amount: float) -> str:
    return f"{amount:+,}".replace("-", "\N{MINUS SIGN}")


def link(path: str, **query: str | int) -> str:
    """An address on this site; every value of the query is escaped."""
    return f"{path}?{urlencode(query)}"
