"""Refunds and revocations: their commands, to tell them more than once, and what the log says."""

from __future__ import annotations

import json

from credits_core import commands
from tests.contract.told import keys


def refund(credits, user, tx_id, amount=None, key=None):
    """The command of a refund, to tell it more than once."""
    return commands.refund(
        keys(credits), user, tx_id, amount, reason=None, idempotency_key=key,
        now_ms=1_763_612_345_678,
    )  # fmt: skip


async def refunded(store, user, tx_id):
    """The total of all refunds of a charge, by the log."""
    members = [json.loads(member) for member in (await store.look(user)).members]
    return sum(member["amount"] for member in members if member.get("ref") == tx_id)


def revocation(credits, user, tx_id=None, amount=None, added_with=None, key=None):
    """The command of a revocation, to tell it more than once."""
    return commands.revoke(
        keys(credits), user, tx_id, amount, added_with=added_with, reason=None,
        idempotency_key=key, now_ms=1_763_612_345_678,
    )  # fmt: skip


async def revoked(store, user):
    """What was taken by each revocation, by the log."""
    entries = [json.loads(member) for member in (await store.look(user)).members]
    return [-entry["amount"] for entry in entries if entry.get("kind") == "revoke"]
