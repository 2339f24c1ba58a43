"""`Idempotency-Key`: a request that is sent again is charged once and answered as the first was.

The header is that of draft-ietf-httpapi-idempotency-key-header. Its scope is the user and the
route; who sends the same key with another body made a mistake. What failed was not charged and
is not kept: the same key tries it again.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from credits_core import validation
from credits_core.errors import InvalidRequestError, RepeatedRequestError

if TYPE_CHECKING:
    from credits_core.models import RequestRecord

__all__ = [
    "HEADER",
    "LEASE_SECONDS",
    "MAX_BODY",
    "REPLAYED_HEADER",
    "AnswerAgain",
    "AnswerKeeper",
    "InvalidKeyError",
    "KeyedRequest",
    "fingerprint",
    "key_of",
    "unkept",
]

HEADER: Final = "Idempotency-Key"
REPLAYED_HEADER: Final = "Idempotency-Replayed"
"""Set to `true` on an answer that was kept, and is given again."""

LEASE_SECONDS: Final = 60.0
"""For how long a request whose worker died blocks the same request."""

MAX_BODY: Final = 256 * 1024
"""The largest body, in bytes, that is kept."""

# Cookies are between a browser and the one answer that set them; the rest is of one connection
# (RFC 9110, 7.6.1), or is made anew by the server.
_NOT_KEPT: Final = frozenset(
    {
        "connection",
        "date",
        "keep-alive",
        "proxy-connection",
        "server",
        "set-cookie",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)

Headers = Iterable[tuple[str, str]]


class InvalidKeyError(InvalidRequestError):
    """The `Idempotency-Key` of a request is none."""


class AnswerAgain(Exception):  # noqa: N818 - no error: the way out for an answer that is there already
    """A request was answered before: this is the answer, to be sent once more."""

    def __init__(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        """Carry the answer as it was, and the header that says that it was."""
        super().__init__(status)
        self.status = status
        self.headers = [*headers, (REPLAYED_HEADER, "true")]
        self.body = body


def fingerprint(target: str, body_digest: str) -> str:
    """What must be the same when a key comes again: path and query, and the body's digest."""
    return hashlib.sha256(f"{target}\n{body_digest}".encode()).hexdigest()


def key_of(header: str) -> str:
    """The key that a header holds.

    A structured string (RFC 8941) is in quotes; most clients send the key bare. Raises
    `InvalidKeyError` for one that is empty, has control characters or more than 255.

    >>> key_of('"8e03978e-40d5"'), key_of("8e03978e-40d5")
    ('8e03978e-40d5', '8e03978e-40d5')
    """
    key = header.strip()
    if len(key) > 1 and key[0] == key[-1] == '"':
        key = key[1:-1]
    try:
        return validation.line(key, HEADER)
    except InvalidRequestError as error:
        raise InvalidKeyError(str(error)) from None


@dataclass(slots=True)
class KeyedRequest:
    """A request that carries a key, while this worker has it."""

    user_id: str
    route: str
    key: str
    owner: str
    token: str
    again: bool = False
    """Whether it was taken over from a worker that gave no answer."""
    charges: int = 0

    @classmethod
    def of(cls, record: RequestRecord, user_id: str, route: str, key: str) -> KeyedRequest:
        """The request that begins, or `AnswerAgain`, or the error that says why it does not."""
        if record.state == "begun":
            token = record.token or record.owner
            return cls(user_id, route, key, record.owner, token, record.again)
        if record.state == "answered":
            raise _again(record.answer or "")
        if record.state == "mismatch":
            raise RepeatedRequestError(
                "mismatch", f"{user_id!r} used the key {key!r} on {route} for another request"
            )
        raise RepeatedRequestError(
            "running",
            f"{user_id!r} sent the key {key!r} to {route} again while its request is worked on",
            retry_after=max(1, math.ceil((record.lease_left or 0) / 1000)),
        )

    def charge_key(self) -> str:
        """The key of its next charge: the same when another worker takes the request over."""
        self.charges += 1
        return f"request {self.token} {self.charges}"


class AnswerKeeper:
    """An answer as it leaves, for whoever asks again; what is too large is only counted."""

    __slots__ = ("_body", "_headers", "_size", "status")

    def __init__(self, status: int, headers: Headers) -> None:
        self.status = status
        self._headers = [(name, value) for name, value in headers if name.lower() not in _NOT_KEPT]
        self._body: list[bytes] = []
        self._size = 0

    def add(self, piece: bytes) -> None:
        """A piece of the body has left."""
        self._size += len(piece)
        if self._size <= MAX_BODY:
            self._body.append(bytes(piece))

    def text(self) -> str:
        """The answer as it is stored."""
        body = None
        if self._size <= MAX_BODY:
            body = base64.b64encode(b"".join(self._body)).decode()
        return json.dumps({"status": self.status, "headers": self._headers, "body": body})


def unkept() -> str:
    """What is stored of a request that was served, in the place of its answer."""
    return json.dumps({"status": 200, "headers": [], "body": None})


def _again(text: str) -> AnswerAgain | RepeatedRequestError:
    kept = json.loads(text)
    if kept["body"] is None:
        return RepeatedRequestError("not_kept", "the first answer was served and not kept")
    headers = [(name, value) for name, value in kept["headers"]]
    return AnswerAgain(kept["status"], headers, base64.b64decode(kept["body"]))
