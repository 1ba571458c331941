"""Worst inputs: what takes longest for its price, searched for, timed again and kept as witnesses."""
