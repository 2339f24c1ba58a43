"""Texts: of one line, from a few words, or of any form."""

from __future__ import annotations

import re
from functools import lru_cache

from credits_core.models import SIGN_UP_ACTION
from credits_core.validation.refusing import fail, short

MAX_KEY_CHARS = 255
MAX_ACTION_CHARS = 64
MAX_ANSWER_BYTES = 2**20
_SURROGATES = 0xD800
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def line(value: object, what: str, longest: int = MAX_KEY_CHARS) -> str:
    """A text of one line: 1 to `longest` characters, no blank edges, no control characters."""
    text = one_line(value, what)
    if len(text) > longest:
        raise fail(f"{what} is longer than {longest} characters: {short(text)}")
    return text


def one_line(value: object, what: str) -> str:
    """A non-empty one-line text without blank edges."""
    if not isinstance(value, str):
        raise fail(f"{what} is a str, not {type(value).__name__}: {short(value)}")
    bare = value.strip()
    if not bare:
        raise fail(f"{what} is blank: {short(value)}")
    if value != bare:
        raise fail(f"{what} begins or ends with blanks; strip it first: {short(value)}")
    # str.isprintable would refuse emoji joiners too; only controls break logs and keys.
    if found := _UNSAFE.search(value):
        what_it_holds = "a control character" if ord(found[0]) < _SURROGATES else "a lone surrogate"
        raise fail(f"{what} holds {what_it_holds}: {short(value)}")
    return value


def action(value: object) -> str:
    """What the credits are for: 1 to 64 characters, and not the name of the sign-up."""
    # An app has few of them, and each charge names one.
    return _known_action(value) if type(value) is str else _action(value)


def _action(value: object) -> str:
    text = line(value, "action", MAX_ACTION_CHARS)
    if text == SIGN_UP_ACTION:
        raise fail(f"the action {text!r} marks a sign-up: call initialize_user for that")
    return text


_known_action = lru_cache(maxsize=256)(_action)


def allowance_name(value: object) -> str:
    """The name of an allowance: 1 to 64 characters."""
    return line(value, "name", MAX_ACTION_CHARS)


def freeze_reason(value: object) -> str:
    """Why an account is frozen: up to 255 characters, or nothing."""
    if value == "":
        return ""
    return line(value, "reason")


def choice(value: object, what: str, choices: tuple[str, ...]) -> None:
    """One of a few words."""
    if value not in choices:
        raise fail(f"{what} is one of {', '.join(map(repr, choices))}, not {short(value)}")


def answer(value: object) -> str:
    """The answer to a request: any text of at most 1 MiB in UTF-8."""
    return any_text(value, "answer", MAX_ANSWER_BYTES)


def any_text(value: object, what: str, longest: int) -> str:
    """A text of whatever characters, of at most `longest` bytes of UTF-8."""
    if not isinstance(value, str):
        raise fail(f"{what} is a str, not {type(value).__name__}")
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        raise fail(f"{what} holds a lone surrogate, which is no Unicode text") from None
    if size > longest:
        raise fail(f"{what} is {size} bytes of UTF-8; at most {longest} are kept")
    return value
