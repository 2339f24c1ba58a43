"""`flask credits …`: the commands of the `credits` program, on the app's own store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from credits_core.cli.store import Store
from credits_core.errors import InvalidRequestError

if TYPE_CHECKING:
    from credits_flask.site import Site

__all__ = ["credits_command"]


@dataclass
class _GivenClient(Store):
    """The store of an app that was given its client, which does not tell where it is."""

    def address(self) -> tuple[str, str | None]:
        """The URL that the command line names."""
        if self.url is None:
            raise InvalidRequestError(
                "this app was given its client, which does not tell where the store is: say --url"
            )
        return super().address()


def credits_command(site: Site) -> click.Command:
    """The command that an app adds to `flask`."""

    def run(words: tuple[str, ...]) -> None:
        from credits_core.cli.app import program  # noqa: PLC0415 - not with each start of the app

        settings = site.settings
        kind = Store if site.given is None else _GivenClient
        store = kind(
            settings.url,
            settings.token,
            settings.prefix,
            default_credits=settings.default_credits,
        )
        program.main(list(words), prog_name="flask credits", obj=store)

    return click.Command(
        "credits",
        callback=run,
        params=[click.Argument(["words"], nargs=-1, type=click.UNPROCESSED)],
        add_help_option=False,
        context_settings={"ignore_unknown_options": True},
        short_help="Look at accounts, correct them, check the store.",
    )
