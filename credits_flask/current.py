"""`current_credits`: the credits of the request that is being served."""

from __future__ import annotations

from typing import TYPE_CHECKING

from werkzeug.local import LocalProxy

from credits_flask.requests import current_request
from credits_flask.site import current_site

if TYPE_CHECKING:
    from credits_core.charge import Charge
    from credits_core.client import Credits
    from credits_flask.site import Site

__all__ = ["CurrentCredits", "current_credits"]


class CurrentCredits:
    """What `current_credits` stands for."""

    __slots__ = ("_site",)

    def __init__(self, site: Site) -> None:
        self._site = site

    @property
    def client(self) -> Credits:
        """The client of the current app; a request is not needed."""
        return self._site.client

    @property
    def charge(self) -> Charge:
        """The charge of the request, the last where there are several.

        Raises `RuntimeError` where there is none.
        """
        charges = current_request().charges
        if not charges:
            raise RuntimeError("this request has no charge: put @credits.charges(…) on its view")
        return charges[-1]

    @property
    def user_id(self) -> str:
        """The id of the user who pays, as the user loader answers it."""
        found: str = self._site.user_id()
        return found

    @property
    def balance(self) -> int:
        """The credits of the user who pays, asked of the ledger: a round trip."""
        return self.client.get_balance(self.user_id)


def _current() -> CurrentCredits:
    return CurrentCredits(current_site())


current_credits: CurrentCredits = LocalProxy(_current)  # type: ignore[assignment]
"""A proxy, as `flask.current_app` is one: `current_credits.charge`, `.client`, `.balance`."""
