# Each target sets up first what it needs; what is set up already is skipped.
.DEFAULT_GOAL := help
.PHONY: help wheel coverage tune setup demo test check bench session-study fuzz compare-study docs schemas kills baseline lock clean man drift-study statistics reference differential

help:
	@echo "make demo    set up, then measure, fit and replay the SECP workload"
	@echo "make test    set up, then run the tests"
	@echo "make coverage  the tests, with a minimum of lines and branches that they reach, C included"
	@echo "make check   ruff, mypy --strict, C warnings as errors"
	@echo "make bench   the engine's own speed, and the share of a session's time inside the clock"
	@echo "make session-study  whether a session's intervals hold, also beside noise, and resuming (20 minutes)"
	@echo "make fuzz    5 million mutated inputs to each decoder and the machine (FUZZ_RUNS=…)"
	@echo "make differential  100,000 well-typed programs on the native machine, amaru and plutigo (DIFFERENTIAL=\"1000 7 amaru\")"
	@echo "make compare-study  how often verdicts on batches are right, over thousands of simulated ones"
	@echo "make statistics  200 simulated runs: do intervals hold the truth?"
	@echo "make schemas docs/schemas from the structs in costmodel/records"
	@echo "make kills   200 commands killed at random moments, and what they leave (15 minutes; KILLS=…)"
	@echo "make docs    the documentation as HTML, in build/docs; a warning is an error"
	@echo "make man     the manual page, in man/calibrate.1"
	@echo "make wheel   sdist and wheel in dist/, tried in an empty environment"
	@echo "make setup   system libraries, .venv and the native extension"
	@echo "make drift-study  timed drift checks of equal builds in different folders and of planted ones (hours; DRIFT_CHECKS=\"100 20 10\")"
	@echo "make baseline renew the stored instruction counts that tests hold this build to"
	@echo "make reference renew measurements/reference and models/reference.json (3 minutes, on an idle machine)"
	@echo "make tune    the habits of generated programs tuned to the counts of contracts (half an hour)"
	@echo "make lock    renew requirements-dev.lock"
	@echo "make clean   remove what was built (measurements stay)"

setup:
	@scripts/setup

demo: setup
	@scripts/demo

test: setup
	@scripts/test

coverage: setup
	@scripts/coverage

check: setup
	@scripts/check

bench: setup
	@.venv/bin/python -m benches
	@.venv/bin/python -m benches.session share --seconds 180

session-study: setup
	@.venv/bin/python -m benches.session share repeat noise planted kills

fuzz: setup
	@.venv/bin/python -m fuzz

differential: setup
	@.venv/bin/python -m fuzz.differential $(DIFFERENTIAL)

compare-study: setup
	@.venv/bin/python -m tests.batches.study

tune: setup
	@.venv/bin/python -m benches.tuning

reference: setup
	@scripts/reference

baseline: setup
	@.venv/bin/calibrate drift baselines/debian-12-x86_64.json --renew

statistics: setup
	@.venv/bin/python -m tests.fit.study

drift-study: setup
	@.venv/bin/python -m benches.drift_study $(DRIFT_CHECKS)

kills: setup
	@.venv/bin/python -m benches.kills $(KILLS)

schemas: setup
	@.venv/bin/python -m docs.write_schemas

docs: setup
	@scripts/docs

man: setup
	@.venv/bin/python -m docs.man man/calibrate.1

wheel: setup
	@scripts/wheel

lock: setup
	@scripts/lock

clean:
	rm -rf .venv build dist *.egg-info costmodel/_native*.so .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find costmodel native tests -name __pycache__ -type d -prune -exec rm -rf {} +
