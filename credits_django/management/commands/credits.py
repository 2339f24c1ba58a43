"""`manage.py credits …`: the commands of the `credits` program, on the store of `CREDITS`."""

from __future__ import annotations

import argparse
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from django.core.management.base import BaseCommand, CommandError

from credits_core.cli.store import Store
from credits_core.client import Credits
from credits_core.errors import InvalidRequestError
from credits_django.conf import conf

if TYPE_CHECKING:
    from credits_core.backends import Backend

__all__ = ["Command"]


@dataclass
class _BackendStore(Store):
    """The store of a `BACKEND`, unless the command line names another."""

    make: Any = field(default=None, repr=False)

    def client(self) -> Credits:
        """A client of it."""
        if self.url is not None:
            return super().client()
        return Credits(
            self.make(),
            prefix=self.prefix,
            timeout=self.timeout,
            default_credits=self.default_credits,
        )

    def backend(self) -> Backend:
        """The store itself."""
        return super().backend() if self.url is not None else cast("Backend", self.make())

    def address(self) -> tuple[str, str | None]:
        """The URL that the command line names."""
        if self.url is None:
            raise InvalidRequestError(
                "CREDITS['BACKEND'] does not tell where the store is: say --url"
            )
        return super().address()


class Command(BaseCommand):
    """Look at accounts, correct them, check the store: `manage.py credits --help`."""

    help = "Look at accounts, correct them, check the store: manage.py credits --help."
    requires_system_checks: list[str] = []  # noqa: RUF012 - Django's form

    def run_from_argv(self, argv: list[str]) -> None:
        """Run with the words as they were written; Django's own options came before."""
        _program().main(_own(argv[2:]), prog_name="manage.py credits", obj=_store())

    def add_arguments(self, parser: Any) -> None:
        """The words, for `call_command("credits", "balance", "alice")`."""
        parser.add_argument("words", nargs=argparse.REMAINDER)

    def handle(self, *args: Any, **options: Any) -> None:
        """Run from code; raises `CommandError` where the program would end with another code."""
        words = [*args, *options["words"]]
        try:
            with redirect_stdout(cast("Any", self.stdout)):
                code = _program().main(
                    words, prog_name="manage.py credits", obj=_store(), standalone_mode=False
                )
        except Exception as error:  # noqa: BLE001 - nothing may show a URL with its password
            raise CommandError(_store().redact(str(error))) from None
        if code:
            raise CommandError(f"credits {' '.join(words)} ended with {code}", returncode=code)


def _program() -> Any:
    try:
        from credits_core.cli.app import program  # noqa: PLC0415 - click is an extra
    except ModuleNotFoundError as error:
        if error.name != "click":
            raise
        raise CommandError(
            "the command line needs click: pip install 'credits-sdk[cli]'"
        ) from error
    return program


def _own(words: list[str]) -> list[str]:
    """The words without the options that Django has read by now."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for name in ("--settings", "--pythonpath"):
        parser.add_argument(name)
    return parser.parse_known_args(words)[1]


def _store() -> Store:
    found = conf()
    if found.backend is not None:
        return _BackendStore(
            prefix=found.prefix, default_credits=found.default_credits, make=found.backend
        )
    return Store(found.url, found.token, found.prefix, default_credits=found.default_credits)
