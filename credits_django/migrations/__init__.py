"""Migrations; they make no tables."""
