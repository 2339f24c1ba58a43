"""Django REST framework: errors of credits as its answers, and a permission.

A view is paid by `@charges(…)` under `@api_view`, on a method of an `APIView` or a viewset, or by
`PaidAPIMixin`: always inside REST framework, which knows who is signed in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from rest_framework.exceptions import NotAuthenticated
from rest_framework.permissions import BasePermission
from rest_framework.views import exception_handler as _default
from rest_framework.views import set_rollback

from credits_core.charge.nesting import enter
from credits_core.errors import CreditsError, InsufficientCreditsError
from credits_core.http.idempotency import AnswerAgain
from credits_django import clients
from credits_django.answers import answer_again, answer_error
from credits_django.paying import NobodyPays, begin
from credits_django.request import credits_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from credits_django.decorators import Paid

__all__ = ["HasCredits", "PaidAPIMixin", "exception_handler"]


def exception_handler(error: Exception, context: Any) -> Any:
    """The `EXCEPTION_HANDLER` of REST framework's settings: problem details for credits.

    Other errors go to REST framework's own handler. Without it the middleware answers the same;
    this one marks the transaction of `ATOMIC_REQUESTS` for a rollback, as REST framework does.
    """
    if isinstance(error, AnswerAgain):
        return answer_again(error)
    if isinstance(error, CreditsError):
        set_rollback()
        return answer_error(context["request"], error)
    return _default(error, context)


class HasCredits(BasePermission):
    """Lets those pass who could pay: for work that is charged later, by a worker or a webhook.

    `permission_classes = [HasCredits.of(50)]`. Who has less is answered 402. It charges nothing:
    a view that charges needs no permission.
    """

    needed: Any = 1
    """Credits, or a function of the request."""

    @classmethod
    def of(cls, needed: int | Callable[[Any], int]) -> type[HasCredits]:
        """The permission for so many credits, or for those that a function of a request says."""
        return type(
            "HasCredits", (cls,), {"needed": staticmethod(needed) if callable(needed) else needed}
        )

    def has_permission(self, request: Any, view: Any) -> Any:  # noqa: ARG002 - the form of it
        """Ask the balance of the signed-in user."""
        asked: Any = self.needed
        needed: Any = asked(request) if callable(asked) else asked
        user = credits_of(request).ask(request)
        if user is None:
            return False
        client = clients.client()
        if not client.has_credits(user, needed):
            raise InsufficientCreditsError(needed, client.get_account(user).available, user)
        return True


class PaidAPIMixin:
    """An `APIView` or viewset whose every method costs what `paid_by` says; OPTIONS is free.

    It charges after authentication, permissions and throttles have passed.
    """

    paid_by: ClassVar[Paid]

    def initial(self, request: Any, *args: Any, **kwargs: Any) -> None:
        """Charge as the last thing before the method runs."""
        view: Any = super()
        view.initial(request, *args, **kwargs)
        if request.method == "OPTIONS" or not hasattr(self, request.method.lower()):
            return
        try:
            charge = begin(
                self.paid_by.rule, request, (request, *args), kwargs, type(self).__name__
            )
        except NobodyPays:
            raise NotAuthenticated from None
        enter(charge)
