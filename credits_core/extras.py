"""What an extra of the distribution brings, and what may not be there."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from credits_core.errors import InvalidRequestError

__all__ = ["load"]


def load(module: str, extra: str) -> Any:
    """A library, or a module of ours that needs one, which `extra` brings.

    Raises `InvalidRequestError` that says how to install it where the library is missing.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("credits_core"):
            raise
        raise InvalidRequestError(
            f"this needs the package {error.name!r}: pip install 'credits-sdk[{extra}]'"
        ) from error
