from .fitting import fit as fit
from .posterior import Diagnostics as Diagnostics, Posterior as Posterior
from .pymc_model import build_model as build_model
