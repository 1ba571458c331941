"""Proposals to the chain: a folder that says what changes, for whom and on what evidence, and that others can check."""
