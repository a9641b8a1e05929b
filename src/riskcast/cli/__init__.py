"""The command line: read options, call public functions, print."""
