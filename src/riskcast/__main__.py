"""`python -m riskcast` is the command line."""

from riskcast.cli.commands import main

main()
