"""Predicting the time of programs from a model and from what one run of each counts."""
