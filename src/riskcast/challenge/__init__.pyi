from .sensitivities import find_sensitivities as find_sensitivities
from .sensitivity_records import (
    Interaction as Interaction,
    Sensitivities as Sensitivities,
    Swing as Swing,
    sensitivities_data as sensitivities_data,
)
from .targets import Target as Target
