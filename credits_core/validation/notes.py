"""What is kept beside a move: metadata, with its reason, and notes of payments."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from credits_core.validation.refusing import fail, short
from credits_core.validation.texts import any_text, line

MAX_METADATA_BYTES = 4096
MAX_METADATA_DEPTH = 8


def metadata(value: Mapping[str, Any] | None) -> str | None:
    """Metadata as compact JSON: an object of at most 4096 bytes, at most 8 levels deep."""
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise fail(f"metadata is a dict, not {type(value).__name__}: {short(value)}")
    value = dict(value)
    _check_depth(value)
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        size = len(text.encode())
    except UnicodeEncodeError:
        raise fail("metadata holds a lone surrogate, which is no Unicode text") from None
    except (TypeError, ValueError) as error:
        raise fail(f"metadata is not JSON: {error}") from None
    if size > MAX_METADATA_BYTES:
        raise fail(f"metadata is {size} bytes of JSON; at most {MAX_METADATA_BYTES} are kept")
    return text


def plain_metadata(value: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Metadata as it comes back from its JSON."""
    text = metadata(value)
    return None if text is None else json.loads(text)


def reason(value: object, more: Mapping[str, Any] | None = None) -> str | None:
    """A reason (1 to 255 characters, or None) as metadata, with what else is told."""
    if value is None:
        return metadata(more)
    metadata(more)
    return metadata({**(more or {}), "reason": line(value, "reason")})


def note(value: object) -> str:
    """What is noted of a payment: a text of at most 4096 bytes of UTF-8."""
    return any_text(value, "value", MAX_METADATA_BYTES)


def _check_depth(value: object) -> None:
    # Level by level, so that neither depth nor a cycle can exhaust the stack.
    level: list[object] = [value]
    for _ in range(MAX_METADATA_DEPTH):
        below: list[object] = []
        for node in level:
            if isinstance(node, dict):
                for key in node:
                    if not isinstance(key, str):
                        raise fail(f"metadata has a key that is no str: {short(key)}")
                below.extend(node.values())
            elif isinstance(node, (list, tuple)):
                below.extend(node)
        level = below
        if not level:
            return
        if len(level) > MAX_METADATA_BYTES:
            raise fail(f"metadata is over {MAX_METADATA_BYTES} bytes of JSON")
    if any(isinstance(node, (dict, list, tuple)) for node in level):
        raise fail(f"metadata is nested deeper than {MAX_METADATA_DEPTH} levels")
