from .claim_judging import judge_claims as judge_claims, read_claims as read_claims
from .claim_records import Finding as Finding, JudgedClaim as JudgedClaim, JudgedClaims as JudgedClaims
