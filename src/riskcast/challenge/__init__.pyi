from .evidence import Evidence as Evidence, evidence_data as evidence_data, value_evidence as value_evidence
from .loss_rules import LossRule as LossRule
