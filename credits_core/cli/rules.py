"""Commands on an account as a whole: account, floor, freeze, unfreeze."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from credits_core.cli import values
from credits_core.cli.failures import repeatable
from credits_core.cli.output import clean, credits_of, emit_json, json_option, shown
from credits_core.cli.store import Store, pass_store, store_options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from credits_core.models import Account, Grant, OpenHold


@click.command(short_help="All that an account holds: grants, holds, floor.")
@click.argument("user")
@json_option
@store_options(hidden=True)
@pass_store
def account(store: Store, user: str, as_json: bool) -> None:
    """Print what USER has, what can be spent, what expires and what is on hold.

    What has fallen due is applied first.
    """
    with store.client() as credits_:
        found = credits_.get_account(user)
    if as_json:
        emit_json(_document(found))
    else:
        click.echo("\n".join(_lines(found)))


@click.command(
    # A floor below zero is no option.
    context_settings={"ignore_unknown_options": True},
    short_help="Set the lowest balance that spending may leave.",
)
@click.argument("user")
@click.argument("floor", callback=values.floor)
@json_option
@store_options(hidden=True)
@pass_store
def floor(store: Store, user: str, floor: int, as_json: bool) -> None:
    """Set the lowest balance that spending may leave USER: below zero it is a credit line."""
    with store.client() as credits_, repeatable(f"the floor of {user!r} is {floor}"):
        found = credits_.set_floor(user, floor)
    told = f"The floor of {clean(user)} is {found.floor}: {credits_of(found.available)} to spend."
    _print(found, told, as_json)


@click.command(short_help="Refuse all spending of an account.")
@click.argument("user")
@click.option("--reason", default="", metavar="TEXT", help="Kept, and named in refusals.")
@json_option
@store_options(hidden=True)
@pass_store
def freeze(store: Store, user: str, reason: str, as_json: bool) -> None:
    """Refuse all spending of USER until `credits unfreeze`; additions are welcome."""
    with store.client() as credits_, repeatable(f"{user!r} is frozen"):
        found = credits_.freeze(user, reason)
    _print(found, f"{clean(user)} is frozen with {credits_of(found.balance)}.", as_json)


@click.command(short_help="Let a frozen account spend again.")
@click.argument("user")
@json_option
@store_options(hidden=True)
@pass_store
def unfreeze(store: Store, user: str, as_json: bool) -> None:
    """Let USER spend again."""
    with store.client() as credits_, repeatable(f"{user!r} may spend again"):
        found = credits_.unfreeze(user)
    _print(found, f"{clean(user)} may spend {credits_of(found.available)}.", as_json)


def _print(found: Account, sentence: str, as_json: bool) -> None:
    if as_json:
        emit_json(_document(found))
    else:
        click.echo(sentence)


def _document(found: Account) -> dict[str, object]:
    soonest = found.next_expiry
    return {
        **asdict(found),
        "available": found.available,
        "held": found.held,
        "next_expiry": None if soonest is None else asdict(soonest),
    }


def _lines(found: Account) -> Iterator[str]:
    yield f"{clean(found.user_id)} has {credits_of(found.balance)}."
    yield f"available  {found.available}"
    yield f"held       {found.held}"
    yield f"floor      {found.floor}"
    if found.frozen:
        yield f"frozen     yes{f': {clean(found.frozen_reason)}' if found.frozen_reason else ''}"
    if soonest := found.next_expiry:
        yield f"expires    {soonest.remaining} next, {_end(soonest)}"
    if found.grants:
        yield "Grants, as they are spent:"
        for grant in found.grants:
            yield f"  {_grant(grant)}"
    if found.holds:
        yield "Holds, as they expire:"
        for hold in found.holds:
            told = f"  {hold.amount:>12}  {shown(hold.expires)}  {clean(hold.action):<20}"
            yield f"{told}  {clean(hold.id)}{_claimed(hold)}"


def _claimed(hold: OpenHold) -> str:
    return f"  {hold.claimed} claimed by revocations" if hold.claimed else ""


def _grant(grant: Grant) -> str:
    told = f"{grant.remaining:>12}  {_end(grant):<24}  priority {grant.priority:<5}"
    return f"{told}  {clean(grant.id)}"


def _end(grant: Grant) -> str:
    return "with the next period" if grant.expires is None else shown(grant.expires)
