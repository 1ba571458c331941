"""Documents: what commands write and read, each one closed, documented struct (see `model.py` for the conventions)."""
