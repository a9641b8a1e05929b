from .consulting import consult_panel as consult_panel
from .disagreement import Cause as Cause, Disagreement as Disagreement
from .hearing import Hearing as Hearing, Voice as Voice
from .mixture import Group as Group, mix_forecasts as mix_forecasts, with_panel as with_panel
from .panels import (
    Expert as Expert,
    ExpertPanel as ExpertPanel,
    gather_experts as gather_experts,
    load_panel as load_panel,
)
from .pools import pool_linear as pool_linear, pool_log as pool_log, pool_quantity as pool_quantity
from .seed_scores import (
    ClassicalModel as ClassicalModel,
    SeedAnswers as SeedAnswers,
    SeedScore as SeedScore,
    classical_model as classical_model,
)
from .seed_table import read_seeds as read_seeds
from .sheet_answers import read_answers as read_answers
from .sheets import Sheet as Sheet, make_sheet as make_sheet
from .three_way import Conflict as Conflict, Merged as Merged, merge_cases as merge_cases
from .together import (
    PooledNumber as PooledNumber,
    Together as Together,
    Without as Without,
    pool_panel as pool_panel,
)
from .weighing import Weighed as Weighed, weigh_panel as weigh_panel
