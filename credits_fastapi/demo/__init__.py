"""`credits demo`: an app that charges credits, a tour of it in real requests, and a page."""

from credits_fastapi.demo.command import demo

__all__ = ["demo"]
