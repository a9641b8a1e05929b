"""What programs that reason may ask of riskcast, and how each answer is cited."""
