"""How fast the native machine decodes and evaluates, beside other evaluators, in one run. `make bench` runs it."""
