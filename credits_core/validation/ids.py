"""Ids and keys: of users, transactions, payments, requests."""

from __future__ import annotations

from credits_core.validation.refusing import fail, short
from credits_core.validation.texts import line, one_line

MAX_USER_ID_BYTES = 256
MAX_ROUTE_CHARS = 512
MAX_FINGERPRINT_CHARS = 128
MAX_PAYMENT_CHARS = 128
"""So that keys made of a payment's id and a return's id are keys still."""


def user_id(value: object, *, braces: bool = False) -> str:
    """A user id: 1 to 256 bytes of UTF-8, no blank edges, no control characters."""
    text = one_line(value, "user_id")
    if len(text.encode()) > MAX_USER_ID_BYTES:
        raise fail(f"user_id is longer than {MAX_USER_ID_BYTES} bytes: {short(text)}")
    if braces and ("{" in text or "}" in text):
        raise fail(
            f"user_id holds a brace, which on Redis Cluster would move the account to "
            f"another slot: {short(text)}"
        )
    return text


def payment_id(value: object, *, braces: bool = False) -> str:
    """The id of a payment: 1 to 128 characters."""
    text = line(value, "payment_id", MAX_PAYMENT_CHARS)
    if braces and ("{" in text or "}" in text):
        raise fail(
            f"payment_id holds a brace, which on Redis Cluster chooses the slot: {short(text)}"
        )
    return text


def tx_id(value: object, what: str) -> str:
    """The id of a transaction or of a hold: 1 to 255 characters."""
    return line(value, what)


def addition(by_id: object, added_with: object) -> str:
    """Which addition is meant: its id, or the idempotency key that it is made with."""
    if (by_id is None) == (added_with is None):
        raise fail("an addition is named by its tx_id, or by the key it is added_with")
    if by_id is not None:
        return tx_id(by_id, "tx_id")
    return idempotency_key(added_with)


def idempotency_key(value: object) -> str:
    """A caller's idempotency key: 1 to 255 characters."""
    return line(value, "idempotency_key")


def route(value: object) -> str:
    """The name of a route: 1 to 512 characters."""
    return line(value, "route", MAX_ROUTE_CHARS)


def fingerprint(value: object) -> str:
    """What a request is told apart by: 1 to 128 characters."""
    return line(value, "fingerprint", MAX_FINGERPRINT_CHARS)
