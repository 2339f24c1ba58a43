"""Imported before what needs the framework: says how to get it where it is missing."""

from credits_core.extras import load

load("fastapi", "fastapi")
