"""Records of requests that carry an idempotency key of their own client."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

from credits_core import decoding, scripts, validation
from credits_core.command import Call, Command

if TYPE_CHECKING:
    from datetime import timedelta

    from credits_core.keys import KeySpace
    from credits_core.models import RequestRecord


def begin_request(
    keys: KeySpace,
    user_id: str,
    route: str,
    key: str,
    *,
    fingerprint: str,
    lease: float | timedelta,
    owner: str | None,
) -> Command[RequestRecord]:
    """Begin a request, renew the lease of one that is the owner's, or learn what became of it."""
    user_id, record = _record(keys, user_id, route, key)
    fingerprint = validation.fingerprint(fingerprint)
    span = validation.lease_ms(lease)
    owner = _random() if owner is None else validation.line(owner, "owner")
    # A call is known by an id of its own: its owner may have come through before.
    args = (owner, fingerprint, str(span), _random())
    return Command(
        "begin_request",
        user_id,
        Call(scripts.BEGIN_REQUEST, (record,), args),
        partial(decoding.begun, user_id=user_id, owner=owner),
        timed=True,
        writes=True,
        witnessed=True,
    )


def finish_request(
    keys: KeySpace,
    user_id: str,
    route: str,
    key: str,
    owner: str,
    answer: str,
    *,
    keep: float | timedelta,
) -> Command[bool]:
    """Keep the answer to a request."""
    user_id, record = _record(keys, user_id, route, key)
    owner = validation.line(owner, "owner")
    args = (owner, validation.answer(answer), str(validation.keep_ms(keep)))
    return Command(
        "finish_request",
        user_id,
        Call(scripts.FINISH_REQUEST, (record,), args),
        partial(decoding.ended, user_id=user_id),
        timed=True,
        writes=True,
        witnessed=True,
    )


def abandon_request(
    keys: KeySpace, user_id: str, route: str, key: str, owner: str
) -> Command[bool]:
    """Forget a request that brought no answer."""
    user_id, record = _record(keys, user_id, route, key)
    return Command(
        "abandon_request",
        user_id,
        Call(scripts.ABANDON_REQUEST, (record,), (validation.line(owner, "owner"),)),
        partial(decoding.ended, user_id=user_id),
        timed=True,
        writes=True,
        witnessed=True,
    )


def _record(keys: KeySpace, user_id: str, route: str, key: str) -> tuple[str, str]:
    user_id = validation.user_id(user_id, braces=keys.braces)
    route = validation.route(route)
    return user_id, keys.request(user_id, route, validation.line(key, "key"))


def _random() -> str:
    """128 bits from a cryptographic source: nobody guesses whose a request is."""
    return os.urandom(16).hex()
