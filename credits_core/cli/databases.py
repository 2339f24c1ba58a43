"""SQL databases on the command line: the extra, and errors without passwords."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator


_KNOWN = (
    "SQLite and PostgreSQL are supported, with URLs such as sqlite:///app.db and "
    "postgresql+psycopg://localhost/app"
)


@contextmanager
def database(url: str) -> Iterator[None]:
    """What goes wrong with the database at `url` is told in one sentence."""
    try:
        from sqlalchemy import exc, make_url  # noqa: PLC0415 - an extra
    except ModuleNotFoundError:
        raise click.ClickException(
            "SQL databases need SQLAlchemy: pip install 'credits-sdk[sql]'"
        ) from None
    try:
        password = make_url(url).password
    except (exc.ArgumentError, ValueError):
        # The reason may quote the URL, and with it a password.
        raise click.ClickException(f"the URL of the database cannot be read. {_KNOWN}") from None
    try:
        yield
    except exc.NoSuchModuleError as error:
        raise click.ClickException(f"no such kind of database: {error}. {_KNOWN}") from None
    except exc.SQLAlchemyError as error:
        reason = " ".join(str(getattr(error, "orig", None) or error).split())
        if password:
            reason = reason.replace(str(password), "***")
        raise click.ClickException(f"the database refused: {reason}") from None
    except ModuleNotFoundError as error:
        raise click.ClickException(f"this kind of database needs {error.name}. {_KNOWN}") from None
