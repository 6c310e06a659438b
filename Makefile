# Every target does its own set-up: a virtual environment in .venv, the pinned dependencies, the compiled kernel.

PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
VENV ?= .venv
RUN = $(VENV)/bin
JOBS ?= $(shell getconf _NPROCESSORS_ONLN)

.PHONY: help install compile setup build tuned demo test quick nightly lint types docs bench clean

help:  ## what there is to do
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(RUN)/python:
	@test -n "$(PYTHON)" || { echo "Refold needs Python 3.11 or newer on PATH (or PYTHON=... make)"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "python's venv module is missing (Debian: apt-get install python3-venv)"; exit 1; }
	@$(RUN)/python -m pip install --quiet --disable-pip-version-check uv || echo "uv is not available, installing with pip"

# Installing and compiling are two steps, because the tests have something to do while the compiler works. The installation
# puts the whole folder on the path (`compat`): it cannot list the compiled group's own module, which is not there yet.
$(VENV)/installed: $(RUN)/python setup.cfg setup.py pyproject.toml constraints.txt
	@echo "Installing ..."
	@if [ -x $(RUN)/uv ]; then \
		VIRTUAL_ENV=$(VENV) REFOLD_PURE=1 $(RUN)/uv pip install --quiet --constraint constraints.txt \
			--build-constraint constraints.txt --config-setting editable_mode=compat -e '.[build,test,lint]'; \
	else \
		PIP_CONSTRAINT=constraints.txt REFOLD_PURE=1 $(RUN)/python -m pip install --quiet \
			--disable-pip-version-check --config-settings editable_mode=compat -e '.[build,test,lint]'; \
	fi
	@touch $@

$(VENV)/compiled: $(VENV)/installed engine/_build.py \
		$(wildcard engine/kernel/*.py engine/strategies/*.py adapters/*/wire/*.py adapters/simulated/*.py journal/*.py replay/*.py)
	@echo "Compiling the kernel (a minute or two) ..."
	@$(RUN)/python setup.py --quiet build_ext --inplace >$(VENV)/compile.log 2>&1 || { tail -30 $(VENV)/compile.log; exit 1; }
	@$(RUN)/engine --version
	@touch $@

install: $(VENV)/installed
compile: $(VENV)/compiled

setup: compile  ## install into .venv and compile the kernel

build:  ## compile the kernel again
	@rm -f $(VENV)/compiled
	@$(MAKE) --no-print-directory compile

tuned: install  ## compile the kernel by the counts of a training: two to three minutes, for runs in an eighth less time
	@rm -f $(VENV)/compiled
	@echo "Compiling the kernel, to count what a training does ..."
	@REFOLD_BUILD=counting $(RUN)/python setup.py --quiet build_ext --inplace >$(VENV)/compile.log 2>&1 || { tail -30 $(VENV)/compile.log; exit 1; }
	@echo "Training ..."
	@find build -name '*.gcda' -delete
	@$(RUN)/python -m benchmarks.training >$(VENV)/training.log 2>&1 || { tail -30 $(VENV)/training.log; exit 1; }
	@echo "Compiling the kernel by these counts ..."
	@REFOLD_BUILD=tuned $(RUN)/python setup.py --quiet build_ext --inplace >$(VENV)/compile.log 2>&1 || { tail -30 $(VENV)/compile.log; exit 1; }
	@$(RUN)/engine --version
	@touch $(VENV)/compiled

demo: setup  ## record a sample market, run a strategy on it, replay the run, and show that nothing differs
	@rm -rf demo-run && mkdir demo-run
	@echo '$$ engine sample -o demo-run/sample --markets 20 --frames 200000 --seed 7'
	@$(RUN)/engine sample -o demo-run/sample --markets 20 --frames 200000 --seed 7
	@echo; echo '$$ engine replay demo-run/sample --seed 7 --config config/demo.yaml --out demo-run/run'
	@$(RUN)/engine replay demo-run/sample --seed 7 --config config/demo.yaml --out demo-run/run
	@echo; echo '$$ engine replay demo-run/run'
	@$(RUN)/engine replay demo-run/run

test: install  ## the whole test suite, compiled and interpreted, with coverage
	@$(RUN)/python tests/run.py all --jobs $(JOBS)

quick: setup  ## the tests that a change should pass before anything else
	@$(RUN)/python -m pytest -q -x -n $(JOBS) -m "not slow and not nightly"

nightly: install  ## everything that is too long for CI; writes nightly.md and profile_spread.md of docs/reference
	@$(RUN)/python tests/run.py nightly --jobs $(JOBS)

lint: setup  ## style and types
	@$(RUN)/ruff check . && $(RUN)/ruff format --check . && $(RUN)/mypy

types: setup  ## types alone
	@$(RUN)/mypy

bench: setup  ## the benchmark table, with budgets beside the figures
	@$(RUN)/python -m benchmarks

docs: setup  ## check that the documentation's links and commands hold
	@$(RUN)/python -m pytest -q tests/test_docs.py tests/test_docs_examples.py

clean:  ## remove what the other targets made
	rm -rf $(VENV) build *.egg-info demo-run .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name '*.so' -not -path './.venv*' -delete
	rm -f engine/_compiled_*.py
