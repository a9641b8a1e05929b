from .claim_data import claims_data as claims_data
from .claim_judging import judge_claims as judge_claims
from .claim_reading import read_claims as read_claims
from .claim_records import Finding as Finding, JudgedClaim as JudgedClaim, JudgedClaims as JudgedClaims
from .event_ways import EventWay as EventWay
from .evidence import Evidence as Evidence, value_evidence as value_evidence
from .learning import Learning as Learning, report_learning as report_learning
from .loss_rules import LossRule as LossRule
from .plain_evidence import evidence_data as evidence_data
from .plain_learning import learning_data as learning_data
from .retelling import retell as retell
from .retold import (
    Counterfactual as Counterfactual,
    Instead as Instead,
    RetoldCount as RetoldCount,
    RetoldEvent as RetoldEvent,
)
from .sensitivities import find_sensitivities as find_sensitivities
from .sensitivity_records import (
    Interaction as Interaction,
    Sensitivities as Sensitivities,
    Swing as Swing,
    sensitivities_data as sensitivities_data,
)
from .targets import Target as Target
from .way_records import Move as Move, Way as Way, Ways as Ways, ways_data as ways_data
from .ways import find_ways as find_ways
