"""Estimates with intervals, and what they say of a limit or a change: the statistics that every verdict shares."""
