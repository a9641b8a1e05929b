"""The version of riskcast."""

__version__ = "0.1.0"
