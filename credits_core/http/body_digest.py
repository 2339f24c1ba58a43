"""The digest of a request's body, by which the same request is known when it comes again."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from email.message import Message

__all__ = ["BodyDigest"]


class BodyDigest:
    r"""Taken piece by piece, as the body comes.

    A client that sends a form with files again separates its parts by another boundary
    (RFC 2046, 5.1.1), so that boundaries are left out.

    >>> first = BodyDigest("multipart/form-data; boundary=one")
    >>> first.update(b"--one\r\n\r\nsound\r\n--o")
    >>> first.update(b"ne--")
    >>> again = BodyDigest("multipart/form-data; boundary=another")
    >>> again.update(b"--another\r\n\r\nsound\r\n--another--")
    >>> first.hexdigest() == again.hexdigest()
    True
    """

    def __init__(self, content_type: str | None) -> None:
        """Of a body of this `Content-Type`."""
        self._digest = hashlib.sha256()
        self._boundary = _boundary(content_type)
        self._rest = b""

    def update(self, piece: bytes) -> None:
        """A piece of the body has come."""
        if not self._boundary:
            self._digest.update(piece)
            return
        *parts, last = (self._rest + piece).split(self._boundary)
        for part in parts:
            self._digest.update(part + b"\0")
        # The end may be the beginning of a boundary.
        known = max(0, len(last) - len(self._boundary) + 1)
        self._digest.update(last[:known])
        self._rest = last[known:]

    def hexdigest(self) -> str:
        """Of what has come so far, in hexadecimal digits."""
        whole = self._digest.copy()
        whole.update(self._rest)
        return whole.hexdigest()


def _boundary(content_type: str | None) -> bytes:
    """The boundary of a multipart body; empty where there is none."""
    if content_type is None or not content_type.lstrip().lower().startswith("multipart/"):
        return b""
    message = Message()
    message["Content-Type"] = content_type
    boundary = None
    with suppress(ValueError):  # of what a client writes there
        boundary = message.get_boundary()
    return b"" if not boundary else b"--" + boundary.encode("latin-1", "replace")
