# make demo: install, then run the whole project on the phantom study.   make test: lint, types, tests.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(shell command -v uv 2>/dev/null)
# Two processes test, each file in one of them (tests/conftest.py).
PARALLEL = --numprocesses 2 --dist loadscope
# The lock holds every version, of the extras too; as constraints it installs only what is asked for.
ifdef UV
INSTALL = VIRTUAL_ENV="$(CURDIR)/$(VENV)" "$(UV)" pip install --quiet --constraint requirements.lock
else
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint requirements.lock
endif

# The range of pyproject.toml.
OTHER_PYTHON = "covid-xray needs Python 3.11, 3.12 or 3.13, for which TensorFlow and Keras are made; this is %d.%d. \
Install Python 3.13 (with uv: uv python install 3.13) and type: make PYTHON=python3.13" % sys.version_info[:2]

.PHONY: help demo test test-all test-fast lint format docs viz lock clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

$(BIN)/python:
	@$(PYTHON) -c 'import sys; (3, 11) <= sys.version_info[:2] <= (3, 13) or sys.exit($(OTHER_PYTHON))'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml requirements.lock | $(BIN)/python
	$(INSTALL) --editable .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(INSTALL) --editable '.[dev]'
	@touch $@

demo: $(VENV)/.installed  ## install, and run the whole project on the phantom study
	$(BIN)/kedro run --only-missing-outputs
	@cat data/08_reporting/phantom_study/study_summary.txt

test: lint  ## lint, types and the tests that every change needs
	$(BIN)/pytest $(PARALLEL) -m 'not thorough'

test-all: lint  ## the same, and those that take a whole project over again
	$(BIN)/pytest $(PARALLEL)

test-fast: $(VENV)/.installed-dev  ## the tests that run no whole pipeline
	$(BIN)/pytest $(PARALLEL) -m 'not slow and not thorough'

lint: $(VENV)/.installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(VENV)/.installed-dev  ## format the code and mend what ruff can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(VENV)/.installed  ## write docs/data.md, the list of all datasets, anew
	$(BIN)/python -m covid_xray.data_docs

viz: $(VENV)/.installed  ## open the pipelines in Kedro-Viz
	$(BIN)/kedro viz run

lock: $(VENV)/.installed-dev  ## renew requirements.lock to the newest versions (needs uv)
	$(UV) pip compile --quiet --upgrade --all-extras --no-header --no-annotate --no-emit-index-url \
		--no-emit-find-links --output-file requirements.lock pyproject.toml

clean:  ## remove the environment and every output
	rm -rf $(VENV) data/01_raw/phantom_study data/0[2-8]*/*/
