# `make run`: the environment and the pipeline on the embedded default. `make test`: the tests.

PYTHON ?= python3
CORES ?= all
BIN := .venv/bin

.PHONY: run test test-slurm lint docs wheel paper-dry-run smallest report box environment

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
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo --no-cache
	$(BIN)/snakefmt --check Snakefile rules workflow/Snakefile
	$(BIN)/snakemake --lint

# The site of the documentation, in site/. A link that leads nowhere is an error.
docs: environment
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict

# The wheel, in dist/, installed and used in an environment of its own.
wheel: environment
	.ci/wheel

paper-dry-run: environment
	.ci/paper-dry-run

# Every step once, as small as it goes, and its report.
smallest: environment
	$(BIN)/snakemake --cores 2 --configfile config/smallest.yaml --quiet all

report: smallest
	$(BIN)/snakemake --cores 2 --configfile config/smallest.yaml --quiet all --report results/smallest/report.html
	test -s results/smallest/report.html

# The models that ship with GRIDS, for many hours; docs/box.md. GRIDS_DATA names the photographs.
box: environment
	$(BIN)/snakemake --cores $(CORES) --configfile config/box.yaml -- results/box/bundle
	rm -rf grids/packaged/box
	$(BIN)/grids export results/box -o grids/packaged/box --half --note grids/packaged/box.md
	rm grids/packaged/box/descriptor.safetensors
	mv grids/packaged/box/descriptor.onnx grids/packaged/

environment: .venv/installed

.venv/installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --constraint requirements.lock --editable '.[docs,sift,test,workflow]'
	touch $@
