"""`python -m riskcast` is the command line."""

from riskcast.cli import main

main()
