"""Whether a machine is fit to measure on: what its system says, what a short trial shows, and what can be set right.

`Diagnosis` in `checks.py` holds the checks; `tuned` in `tune.py` sets the machine right for a while.
"""
