"""Who sent these bytes: signatures of webhooks, checked before anything is parsed.

What a request brings is hostile until then, and the libraries that check it raise whatever they
meet; here all of it is one error.
"""

from __future__ import annotations

import os
import re
from base64 import b64decode
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, Final, Protocol

from credits_core.errors import InvalidRequestError, WebhookVerificationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

__all__ = ["Secrets", "Signature", "StandardSignature", "StripeSignature", "load"]

_LEAST_BYTES: Final = 24
"""What the Standard Webhooks specification asks of a secret:
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md"""


class Signature(Protocol):
    """Checks who sent a webhook. Write one for a provider that signs in a way of its own."""

    def verify(self, body: bytes, headers: Mapping[str, str]) -> None:
        """Return when the signature over the raw bytes is right.

        The names of `headers` are in lower case. Raises `WebhookVerificationError`; whatever else
        it raises is taken for that.
        """
        ...


class Secrets:
    """The secrets of a webhook: one, or while a new one is rolled out, several.

    `given` is a str or several; else the environment variable `variable` is read, where several
    are apart by blanks or commas. They are in no repr and no message.

    Raises `InvalidRequestError` when there is none.

    >>> Secrets("whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0", "MY_SECRET")
    Secrets(1 of MY_SECRET)
    """

    __slots__ = ("_secrets", "_variable")

    def __init__(self, given: str | Iterable[str] | None, variable: str) -> None:
        """Read them, from the argument or the environment."""
        if given is None:
            given = re.split(r"[\s,]+", os.environ.get(variable, ""))
        several = [given] if isinstance(given, (str, int)) else list(given)
        if not all(isinstance(secret, str) for secret in several):
            raise InvalidRequestError(f"a secret is a str, as that of {variable} is")
        self._secrets = tuple(secret.strip() for secret in several if secret.strip())
        self._variable = variable
        if not self._secrets:
            raise InvalidRequestError(
                f"this webhook has no secret to check signatures with: pass secret=, or set "
                f"{variable} to what the provider shows beside the address of the webhook"
            )

    def map(self, make: Callable[[str], Any]) -> tuple[Any, ...]:
        """What `make` makes of each; of one that it refuses nothing is told."""
        try:
            return tuple(map(make, self._secrets))
        except Exception:  # noqa: BLE001 - what a library says of a secret may hold it
            raise InvalidRequestError(
                f"a secret of {self._variable} is none: copy it again, all of it"
            ) from None

    def __repr__(self) -> str:
        return f"Secrets({len(self._secrets)} of {self._variable})"


class StandardSignature:
    """Standard Webhooks: HMAC-SHA256 of id, time and body, five minutes off at most.

    So sign Clerk, Dodo, Polar and others (https://www.standardwebhooks.com). Needs the extra
    `webhooks`.
    """

    prefixes: ClassVar[tuple[str, ...]] = ("webhook",)
    """What the headers begin with: the first that is there."""

    def __init__(self, secrets: Secrets) -> None:
        """Read the secrets, which are of at least 24 bytes in base64, after `whsec_`."""
        library = load("standardwebhooks.webhooks", "webhooks")
        self._keys = secrets.map(lambda secret: library.Webhook(_key(secret)))
        self._secrets = secrets

    def verify(self, body: bytes, headers: Mapping[str, str]) -> None:
        """Raise `WebhookVerificationError` unless one of the secrets made the signature."""
        names = ("id", "timestamp", "signature")
        for prefix in self.prefixes:
            told = {f"webhook-{name}": headers.get(f"{prefix}-{name}", "") for name in names}
            if all(told.values()):
                break
        else:
            raise WebhookVerificationError(
                f"the webhook has no signature: headers {self.prefixes[0]}-{', -'.join(names)}"
            )
        _any(self._keys, lambda key: key.verify(body, told, json_parse=False))

    def sign(self, message_id: str, body: bytes, at: datetime) -> dict[str, str]:
        """The headers by which `verify` knows these bytes: made with the first secret."""
        return {
            f"{self.prefixes[0]}-id": message_id,
            f"{self.prefixes[0]}-timestamp": str(int(at.timestamp())),
            f"{self.prefixes[0]}-signature": self._keys[0].sign(message_id, at, body.decode()),
        }

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._secrets!r})"


class StripeSignature:
    """The header `Stripe-Signature`, checked by Stripe's own library; needs the extra `stripe`.

    https://docs.stripe.com/webhooks#verify-official-libraries
    """

    TOLERANCE: Final = 300
    """Seconds that a signature is good for, Stripe's own default."""

    def __init__(self, secrets: Secrets) -> None:
        """Read the secrets, each of one endpoint (`whsec_…`)."""
        self._check = load("stripe", "stripe").WebhookSignature.verify_header
        self._keys = secrets.map(str)
        self._secrets = secrets

    def verify(self, body: bytes, headers: Mapping[str, str]) -> None:
        """Raise `WebhookVerificationError` unless one of the secrets made the signature."""
        header = headers.get("stripe-signature", "")
        if not header:
            raise WebhookVerificationError("the webhook has no header Stripe-Signature")
        # Versions before 16 sign the text of the body alone.
        _any(self._keys, lambda key: self._check(body.decode(), header, key, self.TOLERANCE))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._secrets!r})"


def _any(keys: Iterable[Any], check: Callable[[Any], object]) -> None:
    """Return when one of the keys passes; whatever the others raise."""
    for key in keys:
        try:
            check(key)
        except Exception:  # noqa: BLE001, S112 - a hostile header raises anything
            continue
        return
    raise WebhookVerificationError(
        "the signature of the webhook is not right, or too old: the secret is another, or the body "
        "was changed on its way"
    )


def _key(secret: str) -> bytes:
    text = secret.removeprefix("whsec_").rstrip("=")
    key = b64decode(text + "=" * (-len(text) % 4), validate=True)
    if len(key) < _LEAST_BYTES:
        raise ValueError("too short")
    return key


def load(module: str, extra: str) -> Any:
    """A library that an extra brings."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise InvalidRequestError(
            f"this needs the package {error.name!r}: pip install 'credits-sdk[{extra}]'"
        ) from None
