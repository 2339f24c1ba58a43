"""Every Redis key name of the library is made here.

`balance:<user>` and `txs:<user>` are shared with deployed TypeScript apps and never
change. Families of our own begin with `credits:` and end with the user id, so that no
user id can turn one key into another.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

_GLOB = str.maketrans({c: "\\" + c for c in "*?[]\\"})


@dataclass(frozen=True, slots=True)
class KeySpace:
    """Key names under a prefix; `braces` writes user ids as `{id}`, one cluster slot an account."""

    prefix: str = ""
    braces: bool = False

    def account(self, user_id: str) -> tuple[str, ...]:
        """All keys of an account, in the order in which `scripts/parts/keys.lua` lists them."""
        prefix = self.prefix
        name = self._name(user_id)
        return (
            f"{prefix}balance:{name}",
            f"{prefix}txs:{name}",
            f"{prefix}credits:state:{name}",
            f"{prefix}credits:grants:{name}",
            f"{prefix}credits:due:{name}",
            f"{prefix}credits:charges:0:{name}",
            f"{prefix}credits:charges:1:{name}",
            f"{prefix}credits:additions:{name}",
        )

    def request(self, user_id: str, route: str, key: str) -> str:
        """The record of a request, which holds no money and vanishes by itself.

        Neither a route nor a key has a line feed, so that no two pairs are joined to one text.
        """
        told = hashlib.sha256(f"{route}\n{key}".encode()).hexdigest()[:32]
        return f"{self.prefix}credits:request:{told}:{self._name(user_id)}"

    def sweep(self) -> str:
        """Where a reconciliation of all accounts broke off: of no account, and without money."""
        return f"{self.prefix}credits:sweep"

    def payment(self, payment_id: str) -> str:
        """The record of what was told of a payment, which holds no money and is kept for ever."""
        return f"{self.prefix}credits:payment:{self._name(payment_id)}"

    def _name(self, user_id: str) -> str:
        return f"{{{user_id}}}" if self.braces else user_id

    def log_pattern(self) -> str:
        """A SCAN pattern for the logs of all accounts."""
        return f"{self.prefix.translate(_GLOB)}txs:*"

    def balance_pattern(self) -> str:
        """A SCAN pattern for the balances of all accounts."""
        return f"{self.prefix.translate(_GLOB)}balance:*"

    def user_of(self, key: str) -> str | None:
        """The user id of a balance or log key; None for a key of another scheme."""
        name = key.removeprefix(self.prefix).partition(":")[2]
        if not self.braces:
            return name
        if name.startswith("{") and name.endswith("}"):
            return name[1:-1]
        return None
