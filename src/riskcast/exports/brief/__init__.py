"""The brief: what a minister reads, as sentences composed from the numbers, laid out as HTML and PDF."""
