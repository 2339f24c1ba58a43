"""How JavaScript writes JSON and numbers."""

import json
import math
import re
from typing import Any

Number = int | float


def stringify(value: Any) -> str:
    """Return what `JSON.stringify` returns (but for the exponents of tiny floats)."""
    text = json.dumps(_as_js(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return re.sub("[\ud800-\udfff]", lambda lone: f"\\u{ord(lone[0]):04x}", text)


def _as_js(value: Any) -> Any:
    """Return the value with JavaScript's numbers and its order of keys."""
    if isinstance(value, float):
        return number(value) if math.isfinite(value) else None
    if isinstance(value, dict):
        # Keys that look like array indexes come first, in numeric order.
        keys = sorted(value, key=lambda key: (0, int(key)) if _is_index(key) else (1, 0))
        return {key: _as_js(value[key]) for key in keys}
    return [_as_js(item) for item in value] if isinstance(value, list) else value


def _is_index(key: str) -> bool:
    return re.fullmatch("0|[1-9][0-9]{0,9}", key) is not None and int(key) < 2**32 - 1


def number(value: Number) -> Number:
    """Return a double as JavaScript would print it: whole ones without a point."""
    value = float(value)
    return int(value) if value.is_integer() and abs(value) < 1e21 else value


def parse_number(text: str | bytes) -> Number:
    return number(float(text))
