"""How a check refuses: a sentence that says what to pass instead."""

from __future__ import annotations

from credits_core.errors import InvalidRequestError


def fail(message: str) -> InvalidRequestError:
    """The refusal with this sentence, to be raised."""
    return InvalidRequestError(message)


def short(value: object) -> str:
    """What was handed in, as far as a message shows it."""
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - the repr of a caller's object; huge ints refuse theirs
        return f"a {type(value).__name__} that cannot be shown"
    return text if len(text) <= 60 else text[:57] + "..."
