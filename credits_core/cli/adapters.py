"""Commands of adapters: loaded when they are used, replaced by what is missing when they fail."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import click

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


def load(entry: EntryPoint) -> click.Command:
    """The command of an entry point, or one in its place that says why there is none."""
    try:
        command = entry.load()
    except ModuleNotFoundError as error:
        missing = error.name or "a package"
        return _stand_in(entry, f"needs {missing.partition('.')[0]}: {_install(entry)}")
    except Exception as error:  # noqa: BLE001 - a broken adapter must not take the rest along
        return _stand_in(entry, f"cannot be loaded ({type(error).__name__}: {error})")
    if not isinstance(command, click.Command):
        return _stand_in(entry, f"is no click command: {entry.value}")
    return command


def _install(entry: EntryPoint) -> str:
    package = entry.dist.metadata["Name"] if entry.dist is not None else "credits-sdk"
    extra = ",".join(entry.extras) or entry.name
    return f"pip install '{package}[{extra}]'"


def _stand_in(entry: EntryPoint, reason: str) -> click.Command:
    def refuse(_words: tuple[str, ...]) -> NoReturn:
        raise click.ClickException(f"`credits {entry.name}` {reason}")

    return click.Command(
        entry.name,
        callback=refuse,
        params=[click.Argument(["_words"], nargs=-1, type=click.UNPROCESSED)],
        add_help_option=False,
        context_settings={"ignore_unknown_options": True},
        short_help=f"({reason})",
    )
