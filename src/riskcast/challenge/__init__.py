"""Which belief matters, and how far beliefs must move for a conclusion to fall."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
