"""Commands on prices: what an action costs, and what a log would have cost."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import click

from credits_core.cli import values
from credits_core.cli.output import clean, credits_of, emit_json, json_option, shown
from credits_core.cli.store import Store, pass_store, store_options
from credits_core.models import instant
from credits_core.pricing import (
    COMPLEXITY_MULTIPLIERS,
    FIXED_PRICING,
    PRICING_CONFIG,
    TOOL_COSTS,
    PriceBook,
)
from credits_core.pricing.quotes import ONE, written

if TYPE_CHECKING:
    from collections.abc import Iterator
    from decimal import Decimal

    from credits_core.pricing import Quote, Repricing

_DECIMALS = 6
"""Of a number that has no exact ones, for people."""


def _book(_context: Any, _parameter: Any, path: str | None) -> PriceBook:
    return _published() if path is None else PriceBook.from_file(path)


def _published() -> PriceBook:
    metered = {
        action: {"rate": price.rate, "unit": price.unit} for action, price in PRICING_CONFIG.items()
    }
    return PriceBook.from_dict(
        {
            "actions": {**FIXED_PRICING, **metered, **TOOL_COSTS},
            "multipliers": {"complexity": COMPLEXITY_MULTIPLIERS},
        }
    )


@click.command(short_help="What an action costs, and how much a balance pays for.")
@click.argument("action")
@click.argument("quantity", required=False, callback=values.quantity)
@click.option("--book", callback=_book, metavar="FILE", help="A price book; default the built-in.")
@click.option("--at", callback=values.since, help="At this date, time (UTC) or ms; default now.")
@click.option("--complexity", metavar="LEVEL", help="The same as --multiplier complexity=LEVEL.")
@click.option(
    "--multiplier",
    "levels",
    metavar="SET=LEVEL",
    multiple=True,
    callback=values.levels,
    help="A multiplier of the book; for each set one.",
)
@click.option("--balance", callback=values.amount_or_zero, help="Say how much so many credits buy.")
@click.option("--user", help="Say how much this user can afford.")
@json_option
@store_options(hidden=True)
@pass_store
def price(
    store: Store,
    *,
    action: str,
    quantity: Decimal | None,
    book: PriceBook,
    at: int | None,
    complexity: str | None,
    levels: dict[str, str],
    balance: int | None,
    user: str | None,
    as_json: bool,
) -> None:
    """Print what QUANTITY of ACTION costs in a price book, and how that comes about.

    QUANTITY is in the unit of the price; one piece where it is sold by the piece.
    """
    if balance is not None and user is not None:
        raise click.UsageError(
            "--balance and --user exclude each other", click.get_current_context()
        )
    if complexity is not None:
        levels = _with_complexity(levels, complexity)
    version = book.version(at)
    quote = version.quote(action, ONE if quantity is None else quantity, 1, levels)
    if user is not None:
        with store.client() as credits_:
            balance = credits_.get_account(user).available
    most = None if balance is None else version.max_affordable(action, balance, 1, levels)
    if as_json:
        pays = {"balance": balance, "affordable": None if most is None else written(most)}
        emit_json(_fields(quote) | (pays if balance is not None else {}))
        return
    for line in _lines(quote):
        click.echo(line)
    if balance is not None:
        click.echo(_afforded(quote.unit, balance, most))


def _with_complexity(levels: dict[str, str], complexity: str) -> dict[str, str]:
    if "complexity" in levels:
        raise click.UsageError(
            "--complexity and --multiplier complexity= exclude each other",
            click.get_current_context(),
        )
    return {"complexity": complexity, **levels}


def _fields(quote: Quote) -> dict[str, Any]:
    return {
        "action": quote.action,
        "quantity": written(quote.quantity),
        "unit": quote.unit,
        "credits": quote.credits,
        "exact": written(quote.exact),
        "version": quote.version,
        "parts": [
            {
                "what": part.what,
                "quantity": written(part.quantity),
                "each": written(part.each),
                "credits": written(part.credits),
            }
            for part in quote.parts
        ],
        "factors": {name: written(factor) for name, factor in quote.factors.items()},
        "bound": quote.bound,
    }


def _lines(quote: Quote) -> Iterator[str]:
    of = f"{clean(quote.action)}, {_shown(quote.quantity)} ({clean(quote.unit)})"
    yield f"{of}: {credits_of(quote.credits)} by version {clean(str(quote.version))}"
    for part in quote.parts:
        what = f"{part.what}: " if part.what else ""
        yield f"  {what}{_shown(part.quantity)} x {_shown(part.each)} = {_shown(part.credits)}"
    for name, factor in quote.factors.items():
        yield f"  {name} {clean(quote.levels[name])}: x {_shown(factor)}"
    if quote.bound is not None:
        yield f"  {quote.bound}: {_shown(quote.exact)}"
    elif quote.exact != quote.credits:
        yield f"  rounded up from {_shown(quote.exact)}"


def _afforded(unit: str, balance: int, most: Fraction | None) -> str:
    what = "any quantity" if most is None else f"{_shown(most)} ({clean(unit)})"
    return f"{credits_of(balance)} pay for {what}."


def _shown(number: Fraction) -> str:
    """A number for people: rounded down, where no decimal is exact."""
    text = written(number)
    if "/" in text or len(text) > 40:
        text = written(Fraction(math.floor(number * 10**_DECIMALS), 10**_DECIMALS))
    return text


@click.command(short_help="What past charges would have cost under another price book.")
@click.argument("user")
@click.option("--book", required=True, callback=_book, metavar="FILE", help="The price book.")
@click.option("--since", callback=values.since, help="From this date, time (UTC) or ms on.")
@click.option("--until", callback=values.until, help="Up to this date, time (UTC) or ms.")
@click.option("--at", callback=values.since, help="Price all as at this date, time (UTC) or ms.")
@json_option
@store_options(hidden=True)
@pass_store
def reprice(
    store: Store,
    user: str,
    book: PriceBook,
    since: int | None,
    until: int | None,
    at: int | None,
    as_json: bool,
) -> None:
    """Print what the charges of USER would have cost under another price book.

    Nothing changes. What was given back is taken off both. Each charge is priced by the version
    of its own time, or all by that of --at.
    """
    with store.client() as credits_:
        report = credits_.reprice(user, book, start_time=since, end_time=until, at=at)
    if as_json:
        emit_json(_document(user, report))
        return
    for line in _table(report):
        click.echo(line)


def _document(user: str, report: Repricing) -> dict[str, Any]:
    return {
        "user_id": user,
        "actions": [
            {
                "action": one.action,
                "count": one.count,
                "quantity": written(one.quantity),
                "charged": one.charged,
                "repriced": one.repriced,
                "difference": one.difference,
            }
            for one in report.actions
        ],
        "unpriced": [
            {
                "action": one.action,
                "reason": one.reason,
                "count": one.count,
                "charged": one.charged,
            }
            for one in report.unpriced
        ],
        "charged": report.charged,
        "repriced": report.repriced,
        "difference": report.difference,
        "folded_up_to": report.folded_up_to,
    }


def _table(report: Repricing) -> Iterator[str]:
    yield _row("action", "count", "quantity", "charged", "would be", "difference")
    for one in report.actions:
        difference = f"{one.difference:+}"
        numbers = (one.count, _shown(one.quantity), one.charged, one.repriced, difference)
        yield _row(clean(one.action), *numbers)
    count = sum(one.count for one in report.actions)
    yield _row("all", count, "", report.charged, report.repriced, f"{report.difference:+}")
    for left in report.unpriced:
        of = f"{left.count} of {clean(left.action)}, {credits_of(left.charged)}"
        yield f"not priced again: {of}: {clean(left.reason)}"
    if report.folded_up_to is not None:
        yield f"charges up to {shown(instant(report.folded_up_to))} are folded, and not in here"


def _row(action: str, *numbers: object) -> str:
    return f"{action:<24}" + "".join(f"{number!s:>12}" for number in numbers)
