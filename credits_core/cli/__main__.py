"""`python -m credits_core.cli` is the command line `credits`."""

from credits_core.cli import main

main()
