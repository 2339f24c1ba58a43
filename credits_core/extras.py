"""Libraries that an extra of the distribution brings, and that may not be there."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from credits_core.errors import InvalidRequestError

__all__ = ["load"]


def load(module: str, extra: str) -> Any:
    """A library; `InvalidRequestError` that says how to install it where it is missing."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise InvalidRequestError(
            f"this needs the package {error.name!r}: pip install 'credits-sdk[{extra}]'"
        ) from None
