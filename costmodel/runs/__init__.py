"""Runs: what was planned (`design`) and what was observed (`schema`, `store`), as folders on disk.

Import from the modules: a measuring process needs `design` only, and is not to load pandas and pyarrow for it.
"""
