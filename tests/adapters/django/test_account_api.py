"""The account API in a project: users of sessions, admins, CSRF protection, both kinds of views."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import Permission, User
from django.db import connections
from django.test import override_settings
from django.test.client import AsyncClient, Client
from django.urls import resolve, reverse

from credits_core.api import AccountApi
from credits_django import clients
from credits_django.api import SyncView, urls_of
from tests.adapters.django import api_urls
from tests.adapters.django.project import MIDDLEWARE
from tests.adapters.paths.contract import account_api

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from credits_core import Credits

HERE = "tests.adapters.django.api_urls"
GRANT = "api/admin/credits/grant"
VIEWS = pytest.mark.parametrize("views", ["sync", "async"])


@pytest.fixture(autouse=True)
def _mounted(change: Callable[..., Any]) -> Iterator[None]:
    with override_settings(ROOT_URLCONF=HERE), change(USER=None, AUTO_INITIALIZE=True):
        yield


@pytest.fixture
def person(user: str) -> User:
    return User.objects.create_user(user)


@pytest.fixture
def admin(user: str) -> User:
    found = User.objects.create_user(f"{user}-admin")
    found.user_permissions.add(Permission.objects.get(codename="grant_credits"))
    return found


def signed_in(user: User, **options: Any) -> Client:
    http = Client(raise_request_exception=False, **options)
    http.force_login(user)
    return http


def grant(http: Any, views: str, target: Any, **headers: str) -> Any:
    body = {"targetUserId": str(target.pk), "amount": 5, "reason": "an apology"}
    path = f"/{views}/{GRANT}"
    return http.post(path, body, content_type="application/json", headers=headers)


@VIEWS
def test_who_is_signed_in_sees_the_own_account(views: str, person: User) -> None:
    found = signed_in(person).get(f"/{views}/api/credits/balance")
    assert (found.status_code, found.json()["userId"]) == (200, str(person.pk))


@VIEWS
async def test_so_it_is_by_asgi(views: str, person: User) -> None:
    http = AsyncClient(raise_request_exception=False)
    await sync_to_async(http.force_login)(person)
    found = await http.get(f"/{views}/api/credits/balance")
    assert (found.status_code, found.json()["userId"]) == (200, str(person.pk))
    await clients.aclose()


@VIEWS
def test_who_is_not_signed_in_is_told_so(views: str) -> None:
    found = Client().get(f"/{views}/api/credits/balance")
    assert found.status_code == 401
    assert found.json()["type"] == "urn:credits-sdk:problem:not-signed-in"


@VIEWS
def test_without_a_setting_nobody_administers(views: str, person: User) -> None:
    superuser = User.objects.create_superuser(f"{person.username}-super")
    found = grant(signed_in(superuser), views, person)
    assert found.status_code == 403
    assert found.json()["type"] == "urn:credits-sdk:problem:not-an-admin"


@VIEWS
def test_who_has_the_permission_administers(
    views: str, person: User, admin: User, change: Callable[..., Any], credits: Credits
) -> None:
    with change(USER=None, ADMIN=f"{HERE}.admin_of"):
        assert grant(signed_in(person), views, admin).status_code == 403
        assert grant(signed_in(admin), views, admin).status_code == 403  # an own account
        assert grant(signed_in(admin), views, person).status_code == 200
    (entry,) = credits.get_transactions(str(person.pk), limit=1)
    assert entry.metadata is not None
    assert entry.metadata["granted_by"] == str(admin.pk)


@VIEWS
def test_an_async_function_may_say_who_administers(
    views: str, person: User, admin: User, change: Callable[..., Any]
) -> None:
    async def asked(request: Any) -> str | None:
        return await sync_to_async(api_urls.admin_of)(request)

    with change(USER=None, ADMIN=asked):
        assert grant(signed_in(person), views, admin).status_code == 403
        assert grant(signed_in(admin), views, person).status_code == 200


@VIEWS
def test_a_session_changes_nothing_without_its_csrf_token(
    views: str, person: User, admin: User, change: Callable[..., Any]
) -> None:
    http = signed_in(admin, enforce_csrf_checks=True)
    with change(USER=None, ADMIN=api_urls.admin_of, AUTO_INITIALIZE=True):
        refused = grant(http, views, person)
        assert (refused.status_code, b"CSRF" in refused.content) == (403, True)
        http.get("/page")
        token = http.cookies["csrftoken"].value
        assert grant(http, views, person, **{"X-CSRFToken": token}).status_code == 200


@VIEWS
def test_an_admin_by_token_needs_none(views: str, person: User, change: Callable[..., Any]) -> None:
    http = Client(enforce_csrf_checks=True)
    with change(USER=None, ADMIN=f"{HERE}.admin_by_token", AUTO_INITIALIZE=True):
        assert grant(http, views, person).status_code == 403
        assert grant(http, views, person, Authorization="Bearer robot").status_code == 200


@pytest.mark.parametrize(
    ("name", "exempt"),
    [
        ("grant", False),
        ("refund", False),
        ("checkout", False),
        ("reconcile", True),
        ("webhook-clerk", True),
    ],
)
def test_what_checks_a_secret_itself_is_exempt(name: str, exempt: bool) -> None:
    (pattern,) = (one for one in urls_of(account_api().routes, SyncView) if one.name == name)
    assert pattern.callback.csrf_exempt is exempt


@VIEWS
def test_where_requests_are_transactions_it_answers_too(views: str, person: User) -> None:
    http = signed_in(person)
    database = connections.settings["default"]
    kept, database["ATOMIC_REQUESTS"] = database["ATOMIC_REQUESTS"], True
    try:
        assert http.get(f"/{views}/api/credits/balance").status_code == 200
    finally:
        database["ATOMIC_REQUESTS"] = kept


def test_routes_have_names() -> None:
    assert reverse("credits:balance") == "/sync/api/credits/balance"
    assert reverse("acredits:grant") == f"/async/{GRANT}"
    assert resolve("/sync/api/credits/usage").view_name == "credits:usage"


def test_a_route_in_two_places_has_two_names() -> None:
    api = AccountApi(paths={"balance": ("/a", "/b")})
    assert [one.name for one in urls_of(api.routes, SyncView)][:2] == ["balance", "balance_2"]


@VIEWS
def test_where_views_need_a_login_the_api_answers_by_itself(views: str, person: User) -> None:
    login = "django.contrib.auth.middleware.LoginRequiredMiddleware"
    with override_settings(MIDDLEWARE=[*MIDDLEWARE, login]):
        assert Client().get("/page").status_code == 302
        assert Client().get(f"/{views}/api/credits/balance").status_code == 401
        assert signed_in(person).get(f"/{views}/api/credits/balance").status_code == 200


@VIEWS
def test_head_and_wrong_methods(views: str, person: User) -> None:
    http = signed_in(person)
    assert http.head(f"/{views}/api/credits/balance").status_code == 200
    refused = http.delete(f"/{views}/api/credits/balance")
    assert (refused.status_code, refused.headers["Allow"]) == (405, "GET, HEAD")


@VIEWS
def test_what_another_middleware_has_read_is_read_again(
    views: str, person: User, change: Callable[..., Any]
) -> None:
    def admin(request: Any) -> str:
        assert request.body  # as for a signature
        return "robot"

    with change(USER=None, ADMIN=admin, AUTO_INITIALIZE=True):
        assert grant(Client(), views, person).status_code == 200
