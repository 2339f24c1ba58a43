"""Views that cost credits, for Django.

`charges` and `holds` make a view cost credits, `PaidViewMixin` a class of views; in the view,
`request.credits.charge` is the `Charge`. Annotated as `CreditsRequest`, the request is known to
type checkers. The app is `"credits_django"`, its setting `CREDITS`, its middleware
`"credits_django.middleware.CreditsMiddleware"`.
"""

from credits_core.charge import Charge, Priced, hold_credits, require_credits
from credits_core.http.paid import credits_event
from credits_django import needs_django  # noqa: F401 - for what it says where it is missing
from credits_django.clients import aclient, client
from credits_django.decorators import charges, holds
from credits_django.request import CreditsRequest, RequestCredits
from credits_django.views import PaidViewMixin

__all__ = [
    "Charge",
    "CreditsRequest",
    "PaidViewMixin",
    "Priced",
    "RequestCredits",
    "aclient",
    "charges",
    "client",
    "credits_event",
    "hold_credits",
    "holds",
    "require_credits",
]
