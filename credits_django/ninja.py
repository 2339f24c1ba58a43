"""Django Ninja: a paid operation is a function under `@charges(…)`; its errors are ours.

Without `install` the middleware answers them, except with `DEBUG=True`: there Ninja answers
every error itself, as a traceback.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from credits_core.errors import CreditsError
from credits_django.answers import answer_error

if TYPE_CHECKING:
    from ninja import NinjaAPI

__all__ = ["install"]


def install(api: NinjaAPI) -> None:
    """Answer errors of credits as problem details, in debugging, too."""

    def answer(request: Any, error: Any) -> Any:
        return answer_error(request, error)

    api.add_exception_handler(CreditsError, answer)
