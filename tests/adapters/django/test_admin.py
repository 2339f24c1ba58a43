"""The staff page: what it shows, who may do what, and that it is done and logged once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from django.test.client import Client

from credits_core import OutcomeUnknownError
from credits_django import staff

if TYPE_CHECKING:
    from collections.abc import Callable

    from credits_core import Credits

PAGE = "/admin/credits_django/account/"


def staff_user(name: str, *permissions: str) -> User:
    user = User.objects.create_user(name, is_staff=True)
    for codename in permissions:
        user.user_permissions.add(Permission.objects.get(codename=codename))
    return user


def signed_in(user: User, *, strict: bool = False) -> Client:
    http = Client(enforce_csrf_checks=strict)
    http.force_login(user)
    return http


@pytest.fixture
def clerk(new_user: Callable[[], str]) -> User:
    return staff_user(new_user(), "view_account", "grant_credits", "refund_credits")


def form_of(http: Client, user: str, what: str) -> dict[str, str]:
    """The hidden fields of a form, as the page has them."""
    text = http.get(PAGE, {"user": user}).content.decode()
    once = re.search(rf'name="{what}-once" value="([^"]+)"', text)
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', text)
    assert once is not None
    assert token is not None
    return {f"{what}-once": once[1], "csrfmiddlewaretoken": token[1], what: "1"}


def post(http: Client, user: str, fields: dict[str, str]) -> Any:
    return http.post(f"{PAGE}?user={user}", fields, follow=True)


def logged(clerk: User) -> list[tuple[str, str]]:
    entries = LogEntry.objects.filter(user=clerk).order_by("pk")
    return [(str(one.object_id), one.change_message) for one in entries]


def test_the_page_shows_the_account_and_its_log(credits: Credits, payer: str, clerk: User) -> None:
    credits.add(payer, 20, "<b>gift</b>", {"note": "<script>"}, expires_in=3600)
    credits.hold(payer, 7, "work")
    text = signed_in(clerk).get(PAGE, {"user": payer}).content.decode()
    assert "<strong>113</strong>" in text
    assert "7 in 1 hold" in text
    assert "&lt;b&gt;gift&lt;/b&gt;" in text
    assert "<script>" not in text.split("id_q")[1]
    assert "user_initialized" in text


def test_the_page_tells_what_was_revoked_and_is_on_hold(
    credits: Credits, payer: str, clerk: User
) -> None:
    bought = credits.add(payer, 50, "purchase")
    credits.hold(payer, 140, "work")
    credits.revoke(payer, bought.tx_id)
    text = signed_in(clerk).get(PAGE, {"user": payer}).content.decode()
    assert "140 in 1 hold; 40 of them will be taken when they come back" in text


def test_a_user_is_found_by_the_name_of_the_sign_in(clerk: User, user: str) -> None:
    one = User.objects.create_user(user)
    http = signed_in(clerk)
    assert http.get(PAGE, {"q": user})["Location"] == f"{PAGE}?user={one.pk}"
    assert http.get(PAGE, {"q": "no & such"})["Location"] == f"{PAGE}?user=no+%26+such"
    assert http.get(PAGE).status_code == 200


def test_a_long_log_has_pages(credits: Credits, payer: str, clerk: User) -> None:
    for number in range(60):
        credits.deduct(payer, 1, f"step-{number}")
    http = signed_in(clerk)
    text = http.get(PAGE, {"user": payer}).content.decode()
    assert "step-59" in text
    assert "step-0<" not in text
    older = re.search(r'href="(\?user=[^"]+before=\d+)"', text)
    assert older is not None
    assert "step-0<" in http.get(PAGE + older[1].replace("&amp;", "&")).content.decode()


@pytest.mark.parametrize("user_id", ["x" * 257, "a\x7fb", "tab\tinside"])
def test_an_id_that_is_none_is_told(clerk: User, user_id: str) -> None:
    response = signed_in(clerk).get(PAGE, {"user": user_id})
    assert response.status_code == 200
    assert "errornote" in response.content.decode()


def test_a_grant_is_made_and_written_to_both_logs(
    credits: Credits, payer: str, clerk: User
) -> None:
    http = signed_in(clerk)
    fields = {**form_of(http, payer, "grant"), "grant-amount": "25", "grant-reason": "sorry"}
    assert "Granted 25 credits; the balance is 125." in post(http, payer, fields).content.decode()
    entry = credits.get_transactions(payer)[0]
    assert (entry.action, entry.amount) == ("admin_grant", 25)
    assert entry.metadata == {
        "granted_by": str(clerk.pk),
        "admin_action": True,
        "reason": "sorry",
    }
    assert logged(clerk) == [(payer, "Granted 25 credits: sorry")]


def test_a_form_that_is_sent_twice_counts_once(credits: Credits, payer: str, clerk: User) -> None:
    http = signed_in(clerk)
    fields = {**form_of(http, payer, "grant"), "grant-amount": "25", "grant-reason": "sorry"}
    post(http, payer, fields)
    assert "done before" in post(http, payer, fields).content.decode()
    assert credits.get_balance(payer) == 125
    assert len(logged(clerk)) == 1


def test_a_charge_is_refunded_in_part_and_then_the_rest(
    credits: Credits, payer: str, clerk: User
) -> None:
    charge = credits.deduct(payer, 40, "video")
    http = signed_in(clerk)
    text = http.get(PAGE, {"user": payer, "charge": charge.tx_id}).content.decode()
    assert f'value="{charge.tx_id}"' in text
    about = {"refund-tx_id": charge.tx_id, "refund-reason": "broken"}
    part = {**form_of(http, payer, "refund"), **about, "refund-amount": "15"}
    for _ in range(2):
        post(http, payer, part)
        assert credits.get_balance(payer) == 75
    rest = {**form_of(http, payer, "refund"), **about, "refund-amount": ""}
    assert "Refunded 25 credits" in post(http, payer, rest).content.decode()
    assert credits.get_balance(payer) == 100
    assert [message for _, message in logged(clerk)] == [
        f"Refunded 15 credits of {charge.tx_id}: broken",
        f"Refunded all that was left of {charge.tx_id}: broken",
    ]


def test_what_the_ledger_refuses_is_told_and_not_logged(
    credits: Credits, payer: str, clerk: User
) -> None:
    charge = credits.deduct(payer, 40, "video")
    http = signed_in(clerk)
    for changes in (
        {"refund-tx_id": charge.tx_id, "refund-amount": "41"},
        {"refund-tx_id": "no-such-charge"},
        {"refund-tx_id": charge.tx_id, "refund-amount": "-1"},
        {"refund-tx_id": charge.tx_id, "refund-once": "not-a-uuid"},
        {"refund-tx_id": charge.tx_id, "refund-reason": ""},
    ):
        fields = {**form_of(http, payer, "refund"), "refund-reason": "x", **changes}
        assert "error" in post(http, payer, fields).content.decode()
    assert credits.get_balance(payer) == 60
    assert logged(clerk) == []


def test_a_grant_without_an_answer_is_logged_and_can_be_sent_again(
    credits: Credits, payer: str, clerk: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = staff.client()

    class Lost:
        def add(self, *args: Any, **more: Any) -> Any:
            real.add(*args, **more)
            raise OutcomeUnknownError("no answer", None, 0)  # type: ignore[arg-type]

    http = signed_in(clerk)
    fields = {**form_of(http, payer, "grant"), "grant-amount": "25", "grant-reason": "sorry"}
    with monkeypatch.context() as patch:
        patch.setattr(staff, "client", Lost)
        text = post(http, payer, fields).content.decode()
    assert "Send it again as it is" in text
    assert fields["grant-once"] in text
    post(http, payer, fields)
    assert credits.get_balance(payer) == 125
    assert logged(clerk) == [(payer, "Granted 25 credits: sorry (no answer came)")]


@pytest.mark.parametrize(
    ("permissions", "seen", "granted", "refunded"),
    [
        ((), 403, 403, 403),
        (("view_account",), 200, 403, 403),
        (("view_account", "grant_credits"), 200, 302, 403),
        (("view_account", "refund_credits"), 200, 403, 302),
        (("grant_credits", "refund_credits"), 403, 403, 403),
    ],
)
def test_each_deed_has_a_permission(
    credits: Credits,
    payer: str,
    new_user: Callable[[], str],
    permissions: tuple[str, ...],
    seen: int,
    granted: int,
    refunded: int,
) -> None:
    charge = credits.deduct(payer, 40, "video")
    http = signed_in(staff_user(new_user(), *permissions))
    page = http.get(PAGE, {"user": payer})
    assert page.status_code == seen
    assert (b'id="grant"' in page.content) == (granted == 302)
    assert (b'id="refund"' in page.content) == (refunded == 302)
    once = "12345678123456781234567812345678"
    for what, more, status in (
        ("grant", {"grant-amount": "5"}, granted),
        ("refund", {"refund-tx_id": charge.tx_id}, refunded),
    ):
        fields = {what: "1", f"{what}-once": once, f"{what}-reason": "x", **more}
        assert http.post(f"{PAGE}?user={payer}", fields).status_code == status
    assert credits.get_balance(payer) == 60 + 5 * (granted == 302) + 40 * (refunded == 302)


def test_who_is_not_staff_does_not_get_in(payer: str, user: str) -> None:
    for http in (Client(), signed_in(User.objects.create_user(user))):
        assert http.get(PAGE, {"user": payer}).status_code == 302


def test_a_form_of_another_site_is_refused(credits: Credits, payer: str, clerk: User) -> None:
    http = signed_in(clerk, strict=True)
    fields = {**form_of(http, payer, "grant"), "grant-amount": "25", "grant-reason": "sorry"}
    forged = {**fields, "csrfmiddlewaretoken": "x" * 64}
    assert http.post(f"{PAGE}?user={payer}", forged).status_code == 403
    assert credits.get_balance(payer) == 100
    assert http.post(f"{PAGE}?user={payer}", fields).status_code == 302
    assert credits.get_balance(payer) == 125


def test_the_admins_log_leads_to_the_account(clerk: User, payer: str) -> None:
    http = signed_in(clerk)
    fields = {**form_of(http, payer, "grant"), "grant-amount": "25", "grant-reason": "sorry"}
    post(http, payer, fields)
    entry = LogEntry.objects.filter(user=clerk).get()
    answer = http.get(f"/admin/{entry.get_admin_url()}".replace("/admin//admin/", "/admin/"))
    assert answer["Location"] == f"{PAGE}?user={payer}"


def test_the_store_is_away_is_told_on_the_page(clerk: User, change: Callable[..., Any]) -> None:
    with change(URL="redis://127.0.0.1:1/0"):
        response = signed_in(clerk).get(PAGE, {"user": "alice"})
    assert response.status_code == 200
    assert "errornote" in response.content.decode()


def test_the_migration_is_all_there_is_to_migrate() -> None:
    call_command("makemigrations", "credits_django", check=True, dry_run=True, verbosity=0)


@pytest.mark.parametrize("before", ["9" * 5000, "9" * 30, "-1", "yesterday"])
def test_a_place_in_the_log_that_is_none_is_no_crash(clerk: User, payer: str, before: str) -> None:
    response = signed_in(clerk).get(PAGE, {"user": payer, "before": before})
    assert response.status_code == 200
