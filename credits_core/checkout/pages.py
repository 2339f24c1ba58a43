"""What a buyer sees after a checkout, where the app has no pages of its own for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from credits_core.http.exchange import Answer, Asked, Route, Who

if TYPE_CHECKING:
    from credits_core.http.steps import Steps

__all__ = ["page"]

_PAGE: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 32rem; margin: 4rem auto;
padding: 0 1rem; color-scheme: light dark }}</style>
<main><h1>{title}</h1><p>{text}</p><p><a href="/">Back to the app</a></p></main>
</html>
"""

# That a browser comes here says nothing: anybody may open the address.
_TEXTS: Final = {
    "success": (
        "Thank you",
        "Your credits appear as soon as the payment is confirmed. This takes some seconds with a "
        "card, and longer with other ways to pay.",
    ),
    "cancel": ("Nothing was bought", "The checkout was left before the payment."),
}

_HEADERS: Final = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def page(kind: str, path: str) -> Route:
    """The page after a success, or after a checkout that was left."""
    title, text = _TEXTS[kind]
    answer = Answer(200, _HEADERS, _PAGE.format(title=title, text=text))

    def show(_: Asked) -> Steps[Answer]:
        yield from ()
        return answer

    operation = {
        "summary": f"The page after a checkout: {title}",
        "tags": ["Credits"],
        "responses": {
            "200": {"description": title, "content": {"text/html": {"schema": {"type": "string"}}}}
        },
    }
    return Route(f"checkout-{kind}", "GET", path, Who.ANYBODY, show, operation)
