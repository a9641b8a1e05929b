"""Several experts: what each believes and forecasts, what they disagree about, and what they say together."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
