"""The room of the Django adapter. Until it is built, use `credits_core.Credits` in a view."""
