"""What was published, by whom and when, and how it was answered: an append-only ledger in SQL."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
