"""Scripts that open with Upstash's own flag, for a server that does not know it.

Upstash takes `#!lua flags=allow-key-locking`; Redis and Valkey refuse it. The first line is taken
off on the way to them, and the digest of the whole text keeps its meaning.
"""

import hashlib
from collections.abc import Sequence

from tests.support.wire import Reply

_FLAG = b"allow-key-locking"


class Scripts:
    """Translates EVAL, EVALSHA and SCRIPT commands, and the replies to SCRIPT LOAD."""

    def __init__(self) -> None:
        self._stripped: dict[bytes, bytes] = {}

    def outgoing(self, command: Sequence[bytes]) -> Sequence[bytes]:
        """Return the command as the real server understands it."""
        match [command[0].upper(), *(part.upper() for part in command[1:2])]:
            case [b"EVAL" | b"EVAL_RO", _]:
                return [command[0], self._strip(command[1]), *command[2:]]
            case [b"EVALSHA" | b"EVALSHA_RO", _]:
                return [command[0], self._digest(command[1]), *command[2:]]
            case [b"SCRIPT", b"LOAD"]:
                return [*command[:2], *map(self._strip, command[2:])]
            case [b"SCRIPT", b"EXISTS"]:
                return [*command[:2], *map(self._digest, command[2:])]
        return command

    def incoming(self, command: Sequence[bytes], reply: Reply) -> Reply:
        """Return the reply as the sender of `command` (untranslated) expects it."""
        loads = [part.upper() for part in command[:2]] == [b"SCRIPT", b"LOAD"]
        return _sha1(command[2]) if loads and isinstance(reply, bytes) else reply

    def _digest(self, sha: bytes) -> bytes:
        return self._stripped.get(sha.lower(), sha)

    def _strip(self, text: bytes) -> bytes:
        first, newline, rest = text.partition(b"\n")
        if not first.startswith(b"#!lua") or _FLAG not in first:
            return text
        stripped = newline + rest  # the empty line keeps the line numbers in errors
        self._stripped[_sha1(text)] = _sha1(stripped)
        return stripped


def _sha1(text: bytes) -> bytes:
    return hashlib.sha1(text).hexdigest().encode()
