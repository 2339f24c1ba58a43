"""Imported before what reads with pydantic: says how to get it where it is missing.

The extra `webhooks` brings it; so do those of the frameworks.
"""

from credits_core.extras import load

load("pydantic", "webhooks")
