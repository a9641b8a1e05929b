"""Tables of others as the files of a case: by a map of their columns, with a report of what was read and dropped."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
