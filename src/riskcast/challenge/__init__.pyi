from .retelling import retell as retell
from .retold import (
    Counterfactual as Counterfactual,
    Instead as Instead,
    RetoldCount as RetoldCount,
    RetoldEvent as RetoldEvent,
)
