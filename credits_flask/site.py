"""An app that charges: its client, its settings, and who pays."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

from flask import current_app

from credits_core.charge.pending import drain
from credits_core.outage import OutageJournal
from credits_core.outage.background import collecting
from credits_flask.unpaid import warn_of_unpaid

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from flask import Flask

    from credits_core.client import Credits
    from credits_flask.settings import Settings

__all__ = ["EXTENSION", "Site", "current_site"]

EXTENSION: Final = "credits"
"""The key in `app.extensions`."""


class Site:
    """What an app charges with."""

    def __init__(
        self,
        app: Flask,
        settings: Settings,
        client: Credits | None,
        user: Callable[[], Callable[[], Any] | None],
        admin: Callable[[], Any] | None = None,
    ) -> None:
        """`user` answers the loader of users, which an app may name later."""
        self.app = app
        self.settings = settings
        self.given = client
        self.client = client if client is not None else settings.client()
        folder = settings.outage_folder
        self.journal = OutageJournal(folder) if folder is not None else None
        self._user = user
        self._admin = admin
        self._collecting = ExitStack()
        self._left: list[ExitStack] = []
        self._pid: int | None = None
        self._looked = False

    def user_id(self) -> Any:
        """The id of the signed-in user, from the app's own loader and from nowhere else."""
        loader = self._user()
        if loader is None:
            raise RuntimeError(
                "who pays? Give FlaskCredits the function that answers the id of the signed-in "
                "user: FlaskCredits(user=…) or @credits.user_loader"
            )
        return self.app.ensure_sync(loader)()

    def admin_id(self) -> Any:
        """The id of who is signed in, if the app lets them administer credits; else None."""
        return None if self._admin is None else self.app.ensure_sync(self._admin)()

    def serving(self) -> None:
        """A request is served: in each process what an outage left is collected meanwhile.

        Before the first one it is looked whether a view is served without its price.
        """
        if not self._looked:
            self._looked = True
            warn_of_unpaid(self.app)
        if self.journal is not None and self._pid != os.getpid():
            self._pid = os.getpid()
            # That of a parent process is no thread of this one: it is left alone.
            self._left.append(self._collecting.pop_all())
            self._collecting.enter_context(collecting(self.journal, self.client))

    def close(self) -> None:
        """Wait, at most five seconds, for charges that are being given back; close what is ours."""
        self._collecting.close()
        drain(self.client)
        if self.given is None:
            self.client.close()
        if self.journal is not None:
            self.journal.close()


def current_site() -> Site:
    """What the current app charges with."""
    site: Site | None = current_app.extensions.get(EXTENSION)
    if site is None:
        raise RuntimeError(
            f"{current_app.name!r} does not charge: call FlaskCredits.init_app on it"
        )
    return site
