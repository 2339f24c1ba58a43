"""The command line `credits`; see `credits --help`."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line, or say how to get it where click is not installed."""
    try:
        import click  # noqa: F401, PLC0415 - an extra, not needed by the library
    except ModuleNotFoundError as error:
        if error.name != "click":
            raise
        sys.exit("Error: the command line needs click: pip install 'credits-sdk[cli]'")
    try:
        from credits_core.cli.app import program  # noqa: PLC0415

        for stream in (sys.stdout, sys.stderr):
            # Text of other apps may hold what this terminal cannot show.
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    except KeyboardInterrupt:  # while loading, before anything was done
        sys.exit(130)
    program(prog_name="credits")
