"""What an extra of the distribution brings, and what may not be there."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from credits_core.errors import InvalidRequestError

__all__ = ["MissingExtraError", "load"]


class MissingExtraError(InvalidRequestError, ModuleNotFoundError):
    """A library is not installed, and the message says which extra brings it.

    It is an `ImportError`, too, with its `name`, as who imports may expect.
    """


def load(module: str, extra: str) -> Any:
    """A library, or a module of ours that needs one, which `extra` brings.

    Raises `MissingExtraError` that says how to install it where the library is missing.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package == "credits_core":
            raise
        missing = MissingExtraError(
            f"this needs the package {package!r}: pip install 'credits-sdk[{extra}]'"
        )
        missing.name = package
        raise missing from error
