"""The room of the Flask adapter. Until it is built, use `credits_core.Credits` in a view."""
