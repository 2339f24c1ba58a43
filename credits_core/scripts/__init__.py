"""The rulebook: Lua scripts, assembled from their parts at import.

A body names the parts it is built on in a line `-- @use part part`; they are put in its
place in that order. The clock is a part like any other, so that a test can swap it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Script:
    """A Lua script and the SHA-1 by which a server that has seen it knows it."""

    name: str
    text: str
    sha: str


def _part(name: str) -> str:
    return files(__name__).joinpath("parts", f"{name}.lua").read_text("utf-8")


def _code(lua: str) -> str:
    # The server keeps and hashes the text: comments and blank lines stay at home.
    lines = (line for line in lua.splitlines() if line.strip())
    return "\n".join(line for line in lines if not line.lstrip().startswith("--"))


def assemble(name: str, **swapped: str) -> Script:
    """Build the script `name`; `swapped` gives other text for parts, by their names."""
    body = files(__name__).joinpath(f"{name}.lua").read_text("utf-8")
    head, _, rest = body.partition("-- @use ")
    used, _, code = rest.partition("\n")
    parts = [swapped.get(part) or _part(part) for part in used.split()]
    text = _code("\n".join([head, *parts, code]))
    return Script(name, text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


DEDUCT = assemble("deduct")
ADD = assemble("add")
INITIALIZE = assemble("initialize")
BALANCE = assemble("balance")
LOOKUP = assemble("lookup")
READ_LOG = assemble("read_log")
SNAPSHOT = assemble("snapshot")
REPAIR = assemble("repair")
DELETE = assemble("delete")
