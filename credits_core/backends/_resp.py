"""What the backends share: the words of a call, and replies as str."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from credits_core.command import Failure

if TYPE_CHECKING:
    from credits_core.command import Call, Reply


def words(call: Call, *, text: bool = False) -> tuple[str, ...]:
    """A call as a Redis command: EVALSHA, or EVAL with the script's `text`."""
    script = call.script
    if script is None:
        return call.args
    keys = call.keys
    if text:
        return ("EVAL", script.text, str(len(keys)), *keys, *call.args)
    return ("EVALSHA", script.sha, str(len(keys)), *keys, *call.args)


def answer(raw: Any) -> Reply:
    """A raw reply with its bulk strings as str; a server's error inside it as a failure."""
    # Members of other apps may hold anything; ours are UTF-8.
    if isinstance(raw, list):
        return [
            item.decode("utf-8", "surrogateescape") if type(item) is bytes else answer(item)
            for item in raw
        ]
    if isinstance(raw, bytes):
        return raw.decode("utf-8", "surrogateescape")
    if isinstance(raw, Exception):  # part of a reply: what came before it has been done
        return Failure("unknown", error_text(raw))
    return raw


# fmt: off
_REFUSALS = frozenset({
    "NOSCRIPT", "LOADING", "BUSY", "READONLY", "MASTERDOWN", "OOM", "MISCONF", "NOREPLICAS",
    "NOAUTH", "WRONGPASS", "NOPERM", "EXECABORT",
    "MOVED", "ASK", "TRYAGAIN", "CLUSTERDOWN", "CROSSSLOT",
})
# fmt: on


def is_refusal(text: str) -> bool:
    """Whether the text of an error reply says by its code that nothing was executed.

    A bare `ERR`, or a code that nobody knows, says nothing: a proxy may send it after the
    command ran. Only the quotas of Upstash begin with `ERR max`.
    """
    return text.partition(" ")[0] in _REFUSALS or text.startswith("ERR max ")


def is_noscript(outcome: Reply | Failure) -> bool:
    """Whether the server did not know the script; Valkey's text is shorter than Redis's."""
    return isinstance(outcome, Failure) and outcome.reason.startswith(("NOSCRIPT", "No matching"))


def error_text(error: BaseException) -> str:
    """What to tell people of an error: its first line, no more than they need."""
    if type(error).__name__ == "MasterNotFoundError":
        return "no Sentinel that answers knows a primary of this name"  # its text shows a client
    text = str(error).strip().splitlines()
    if not text and isinstance(error, TimeoutError):
        return "no answer in time"
    return text[0][:200] if text else type(error).__name__
