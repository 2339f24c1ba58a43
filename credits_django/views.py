"""Class-based views that cost credits whatever their method."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from credits_django.decorators import Paid

__all__ = ["PaidViewMixin"]


class PaidViewMixin:
    """A view whose every method costs what `paid_by` says; OPTIONS is free.

    It stands before the view, and after mixins that ask who is signed in:

        class Chat(LoginRequiredMixin, PaidViewMixin, View):
            paid_by = charges(10, "chat_message")

    For one method, decorate that.
    """

    paid_by: ClassVar[Paid]

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Charge, and go on; an async view answers what is awaited."""
        view: Any = super()
        method = request.method.lower()
        if method == "options" or not hasattr(self, method):
            return view.dispatch(request, *args, **kwargs)
        return self.paid_by(view.dispatch)(request, *args, **kwargs)
