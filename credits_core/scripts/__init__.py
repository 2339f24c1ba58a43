"""The rulebook: Lua scripts, assembled from their parts at import.

A line `-- @use part part` is replaced by those parts. A script uses a part where it needs
it, so that the plain path returns before it pays for the rest. The clock is a part like
any other, so that a test can swap it.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pkgutil import get_data

_BULKY = frozenset(
    {"account", "begin_request", "finish_request", "fold", "read_log", "repair", "snapshot"}
)

_USE = re.compile(r"^ *-- @use (.+)\n", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Script:
    """A Lua script and the SHA-1 by which a server that has seen it knows it."""

    name: str
    text: str
    sha: str
    bulky: bool = False
    """Whether what it takes or answers is long: such calls do not travel with those of money."""


def assemble(name: str, **swapped: str) -> Script:
    """Build the script `name`; `swapped` gives other text for parts, by their names."""

    def part(name: str) -> str:
        return expand(swapped.get(name) or _read(f"parts/{name}"))

    def expand(lua: str) -> str:
        return _USE.sub(lambda use: "".join(map(part, use[1].split())), lua)

    text = _code(expand(_read(name)))
    sha = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
    return Script(name, text, sha, bulky=name in _BULKY)


def _read(name: str) -> str:
    return (get_data(__name__, f"{name}.lua") or b"").decode()


def _code(lua: str) -> str:
    # The server keeps and hashes the text: comments and blank lines stay at home.
    lines = (line for line in lua.splitlines() if line.strip())
    return "\n".join(line for line in lines if not line.lstrip().startswith("--"))


DEDUCT = assemble("deduct")
ADD = assemble("add")
COLLECT = assemble("collect")
BATCH = assemble("batch")
INITIALIZE = assemble("initialize")
HOLD = assemble("hold")
EXTEND = assemble("extend")
SETTLE = assemble("settle")
REFUND = assemble("refund")
REVOKE = assemble("revoke")
WAIVE = assemble("waive")
RENEW = assemble("renew")
SEND = assemble("send")
RECEIVE = assemble("receive")
CANCEL = assemble("cancel")
RECALL = assemble("recall")
CONFIRM = assemble("confirm")
OUTBOX = assemble("outbox")
BALANCE = assemble("balance")
ACCOUNT = assemble("account")
SETTINGS = assemble("settings")
READ_LOG = assemble("read_log")
SNAPSHOT = assemble("snapshot")
REPAIR = assemble("repair")
SWEEP = assemble("sweep")
FOLD = assemble("fold")
DELETE = assemble("delete")
BEGIN_REQUEST = assemble("begin_request")
FINISH_REQUEST = assemble("finish_request")
ABANDON_REQUEST = assemble("abandon_request")
NOTE_PAYMENT = assemble("note_payment")
