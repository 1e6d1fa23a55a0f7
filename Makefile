# `make run`: the environment and the pipeline on the embedded default. `make test`: the tests.

PYTHON ?= python3
CORES ?= all
BIN := .venv/bin

.PHONY: run test test-slurm lint environment

run: environment
	$(BIN)/snakemake --cores $(CORES)

# Files of tests side by side, as the cores allow, in the order of tests/conftest.py: the longest
# first.
test: environment
	$(BIN)/pytest --numprocesses logical --maxprocesses 8 --dist loadfile --no-loadscope-reorder

# On a cluster that it brings up, as root: apt-get install --no-install-recommends slurm-wlm munge
test-slurm: environment
	$(BIN)/pytest -m slurm -rs tests/slurm

lint: environment
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports --no-logo --no-cache
	$(BIN)/snakefmt --check Snakefile rules workflow/Snakefile
	$(BIN)/snakemake --lint

environment: .venv/installed

.venv/installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --constraint requirements.lock --editable '.[test]'
	touch $@
