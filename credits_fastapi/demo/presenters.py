"""What is shown of a tour: words for a person, or JSON Lines for a program."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from credits_core.cli.output import emit_json

if TYPE_CHECKING:
    from credits_fastapi.demo.tour import Step, Taken, Toured

__all__ = ["JsonLines", "Presenter", "Words"]


class Presenter:
    """Hears of a tour as it goes on, and passes over what it does not override."""

    def opened(self, address: str, account: str | None) -> None:
        """The app listens; `account` is the one it makes on a store that others use."""

    def asking(self, number: int, step: Step) -> None:
        """The requests of a step are about to be sent."""

    def taken(self, taken: Taken) -> None:
        """A step is done."""

    def ended(self, toured: Toured) -> None:
        """All steps are done, and the page is served from now on if there is one."""

    def stopped(self) -> None:
        """Ctrl-C was pressed."""


class Words(Presenter):
    """Lines for a person, each as soon as there is something to say."""

    def opened(self, address: str, account: str | None) -> None:
        """Where the app is, and whose account it makes."""
        click.echo(f"An app that charges credits, at {address}")
        if account is not None:
            click.echo(f"Its account on your store is {account}, deleted again at the end.")
        click.echo()

    def asking(self, number: int, step: Step) -> None:
        """The title of the step and its requests."""
        click.echo(f"{number:2}. {step.title}")
        for ask in step.asks:
            click.echo(f"    {ask}")

    def taken(self, taken: Taken) -> None:
        """The answers, each with its sign."""
        for answer in taken.answers:
            says = answer.says.replace("\n", "\n      ")
            click.echo(f"  {_mark(answer.right)} {says}")
        click.echo()

    def ended(self, toured: Toured) -> None:
        """The sum of it, and where to look now."""
        steps, wrong = len(toured.taken), toured.wrong
        told = f"{wrong} of {steps} steps were not" if wrong else f"All {steps} steps were"
        click.echo(f"{_mark(toured.right)} {told} as they should be.")
        if toured.account is not None:
            base, _, user = toured.account.replace("/account?user=", " ").partition(" ")
            request = f"curl {base}/chat --json '{{}}' -H 'X-Demo-User: {user}'"
            told = (
                f"The account: {toured.account}\nA request:   {request}\nAll of them: {base}/docs"
            )
            click.echo(f"\n{told}\nServing until Ctrl-C.")

    def stopped(self) -> None:
        """The line that a terminal shows as ^C ends."""
        click.echo()


class JsonLines(Presenter):
    """One object a step, then one of the whole tour; a tour broken off lacks the last."""

    def taken(self, taken: Taken) -> None:
        """The step with its requests and its answers."""
        emit_json(
            {
                "step": taken.number,
                "title": taken.step.title,
                "requests": [str(ask) for ask in taken.step.asks],
                "right": taken.right,
                "answers": [{"right": a.right, "says": a.says} for a in taken.answers],
            }
        )

    def ended(self, toured: Toured) -> None:
        """The sum of it, and the addresses."""
        emit_json(
            {
                "right": toured.right,
                "steps": len(toured.taken),
                "wrong": toured.wrong,
                "address": toured.address,
                "account": toured.account,
            }
        )


def _mark(right: bool) -> str:
    sign = "✓" if right else "✗"
    try:
        sign.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        sign = "ok" if right else "WRONG"
    return click.style(sign, fg="green" if right else "red", bold=True)
