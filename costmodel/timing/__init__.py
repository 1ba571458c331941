"""Timing sessions: plans, workers, disturbances, yardsticks, precision. Both the experiments and the replays use them.

Import from the modules: a worker is a fresh process that loads `worker` and little else.
"""
