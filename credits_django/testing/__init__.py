"""For the tests of an app: a ledger in memory, of each test's own.

With Django's test case, or any other:

    class ChatTest(CreditsTestMixin, TestCase):
        def test_a_message_costs_ten(self):
            self.credits.initialize_user("1", 100)

As a context or decorator `memory_credits()`; in pytest the fixture `django_credits`, by
`pytest_plugins = ["credits_django.testing.plugin"]`. Nothing of it is evidence for faults or speed.
"""

from __future__ import annotations

import itertools
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.test import override_settings

from credits_django.clients import client

if TYPE_CHECKING:
    from collections.abc import Iterator

    from credits_core import Credits

__all__ = ["CreditsTestMixin", "memory_credits"]

_numbers = itertools.count(1)
_WHERE = frozenset({"URL", "TOKEN", "BACKEND", "ASYNC_BACKEND"})


@contextmanager
def memory_credits(**changes: Any) -> Iterator[Credits]:
    """Let the project charge on an empty ledger in memory; answers a client of it.

    `changes` are keys of `CREDITS` to set: `memory_credits(AUTO_INITIALIZE=True)`.
    """
    own: dict[str, Any] = getattr(settings, "CREDITS", {})
    kept = {key: value for key, value in own.items() if key not in _WHERE}
    url = f"memory://credits-django-tests-{next(_numbers)}"
    with override_settings(CREDITS={**kept, "URL": url, **changes}):
        yield client()


class CreditsTestMixin:
    """An empty ledger for each test; stands before the test case."""

    credits_settings: dict[str, Any] = {}  # noqa: RUF012 - a constant of the class
    """Keys of `CREDITS` to set for all tests of the class."""

    credits: Credits

    def setUp(self) -> None:
        """Begin with an empty ledger."""
        case: Any = self
        self.credits = case.enterContext(memory_credits(**self.credits_settings))
        case_above: Any = super()
        case_above.setUp()
