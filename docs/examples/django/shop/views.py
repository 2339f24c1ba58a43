"""What the shop sells: a picture at a fixed price, a story by its words."""

import asyncio
from collections.abc import AsyncIterator

from django.contrib.auth.decorators import login_required
from django.dispatch import receiver
from django.http import HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from credits_django import CreditsRequest, charges, credits_event, holds
from credits_django.signals import low_balance


@login_required
def home(request: CreditsRequest) -> HttpResponse:
    return render(request, "shop/home.html")


@login_required
@require_POST
@charges("picture")
def picture(request: CreditsRequest) -> JsonResponse:
    what = request.POST["what"]
    if what == "crash":
        return JsonResponse({"error": "the painter did not answer"}, status=502)
    return JsonResponse({"picture": f"a {what}", "left": request.credits.charge.balance})


async def words(count: int) -> AsyncIterator[str]:
    for number in range(count):
        await asyncio.sleep(0)
        yield f"data: word {number}\n\n"


@login_required
@holds(5, "story", step=20)
async def story(request: CreditsRequest) -> StreamingHttpResponse:
    pieces = request.credits.charge.stream(
        words(int(request.GET["words"])), piece_cost=1, final=credits_event
    )
    return StreamingHttpResponse(pieces, content_type="text/event-stream")


@receiver(low_balance)
def remind(user_id: str, balance: int, **_: object) -> None:
    print(f"user {user_id} has {balance} credits left", flush=True)
