from .fitting import fit as fit
from .posterior import Posterior as Posterior
from .pymc_model import build_model as build_model
