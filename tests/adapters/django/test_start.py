"""What is wrong with a project is told by `manage.py check`, or where its server starts."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SETTINGS = """
SECRET_KEY = "of-the-tests"
DEBUG = True
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "credits_django"]
MIDDLEWARE = ["credits_django.middleware.CreditsMiddleware"]
CREDITS = {"URL": "memory://", "PRICES": {"picture": 10}}
"""
URLS = """
from django.http import HttpResponse
from django.urls import include, path
from django.views import View
from credits_django import PaidViewMixin, charges, holds

urlpatterns = []
"""
CHECK = "from django.core.management import execute_from_command_line as run; run(['-', 'check'])"
START = "from django.core.wsgi import get_wsgi_application; get_wsgi_application()"
API = 'urlpatterns.append(path("", include("credits_django.urls")))'
ASYNC_API = 'urlpatterns.append(path("", include("credits_django.async_urls")))'


@pytest.fixture
def said(tmp_path: Path) -> Callable[..., str]:
    """What a process of a project says: its settings and its urls have these lines more."""

    def ask(code: str, settings: str = "", urls: str = "") -> str:
        shop = tmp_path / "shop"
        shop.mkdir()
        (shop / "settings.py").write_text(f"{SETTINGS}{settings}\n")
        (shop / "urls.py").write_text(f"{URLS}{urls}\n")
        prelude = "import os; os.environ['DJANGO_SETTINGS_MODULE'] = 'shop.settings'"
        done = subprocess.run(
            [sys.executable, "-c", f"{prelude}\n{code}"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.stdout + done.stderr

    return ask


def test_a_project_that_is_right_has_nothing_to_be_told(said: Callable[..., str]) -> None:
    urls = f"{API}\nview = charges('picture')(lambda request: HttpResponse())"
    assert "no issues" in said(CHECK, "", urls)


@pytest.mark.parametrize(
    "paid",
    [
        "view = charges('pictur')(lambda request: HttpResponse())",
        "view = holds('pictur', 'a name')(lambda request: HttpResponse())",
        "class Mixed(PaidViewMixin, View):\n    paid_by = charges('pictur')",
    ],
)
def test_a_name_without_a_price_is_told(said: Callable[..., str], paid: str) -> None:
    found = said(CHECK, "", paid)
    assert "credits.E008" in found
    assert "there is no price for 'pictur'; priced are picture" in found
    assert "Traceback" not in found


def test_prices_of_ones_own_take_the_place_of_the_examples(said: Callable[..., str]) -> None:
    paid = "view = charges('training_job')(lambda request: HttpResponse())"
    assert "credits.E008" in said(CHECK, "", paid)


def test_urls_that_cannot_be_loaded_are_told_by_django(said: Callable[..., str]) -> None:
    assert "KeyError: 'of the urls'" in said(CHECK, "", "raise KeyError('of the urls')")


@pytest.mark.parametrize("api", [API, ASYNC_API], ids=["urls", "async_urls"])
@pytest.mark.parametrize(
    ("wrong", "number"),
    [("CREDITS['DEFUALT_CREDITS'] = 5", "E002"), ("CREDITS['API'] = object()", "E003")],
)
def test_a_wrong_setting_is_told_in_one_line_with_the_account_api_too(
    said: Callable[..., str], api: str, wrong: str, number: str
) -> None:
    found = said(CHECK, wrong, api)
    assert f"credits.{number}" in found
    assert "Traceback" not in found


def test_an_api_that_cannot_be_read_is_not_served_as_another_one(said: Callable[..., str]) -> None:
    code = (
        "import django; django.setup()\n"
        "from credits_django import urls; print('has', urls.urlpatterns)"
    )
    found = said(code, "CREDITS['API'] = object()")
    assert "has []" in found
    assert "the account API is not served: CREDITS['API']" in found


def test_middleware_that_is_not_first_is_warned_of(said: Callable[..., str]) -> None:
    found = said(CHECK, "MIDDLEWARE.insert(0, 'django.middleware.common.CommonMiddleware')")
    assert "credits.W003" in found
    assert "CommonMiddleware" in found


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("CREDITS['SIGN_UP'] = True\nINSTALLED_APPS.remove('credits_django')", "INSTALLED_APPS"),
        ("CREDITS['DEFUALT_CREDITS'] = 5", "DEFUALT_CREDITS"),
    ],
)
def test_a_server_does_not_start_with_a_setting_that_cannot_be(
    said: Callable[..., str], wrong: str, words: str
) -> None:
    last = said(START, wrong).strip().splitlines()[-1]
    assert last.startswith("django.core.exceptions.ImproperlyConfigured")
    assert words in last


def test_a_server_starts_without_the_app(said: Callable[..., str]) -> None:
    assert said(START, "INSTALLED_APPS.remove('credits_django')") == ""
