"""Edits of a case's files, their journal, what is stale, and kept vintages."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
