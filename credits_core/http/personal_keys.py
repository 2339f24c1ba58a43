"""The `Idempotency-Key` of a request to a route of ours, as a key that only its user can name."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from credits_core.errors import InvalidRequestError
from credits_core.http.describing import TEXT, header
from credits_core.http.idempotency import HEADER, key_of
from credits_core.http.refusals import wrong_parameter

if TYPE_CHECKING:
    from credits_core.http.exchange import Asked

__all__ = ["key_header", "personal_key"]


def key_header(description: str) -> dict[str, Any]:
    """The header in an OpenAPI document; a key of 255 characters may stand in quotes."""
    return header(HEADER, {**TEXT, "minLength": 1, "maxLength": 257}, description)


def personal_key(asked: Asked) -> str | None:
    """32 hex digits of who asks and of the key; None where the request has none.

    Raises `Refused` for a key that is none.
    """
    given = asked.headers.get(HEADER.lower())
    if given is None:
        return None
    try:
        key = key_of(given)
    except InvalidRequestError:
        detail = "1 to 255 characters without control characters"
        raise wrong_parameter(HEADER, detail) from None
    told = f"{asked.user_id}\n{key}".encode("utf-8", "surrogatepass")
    return hashlib.sha256(told).hexdigest()[:32]
