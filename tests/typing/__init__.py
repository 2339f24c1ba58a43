"""What users write, as type checkers see it: run by mypy and pyright, not by pytest."""
