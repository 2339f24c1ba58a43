"""`credits` in templates: `{{ credits.balance }}`."""

from __future__ import annotations

from typing import Any

__all__ = ["credits"]


def credits(request: Any) -> dict[str, Any]:
    """What the middleware put on the request; the store is asked when a template does."""
    return {"credits": getattr(request, "credits", None)}
