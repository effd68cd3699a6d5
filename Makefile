# Two commands matter: `make repro` and `make test`. Both start from nothing but Python 3.11 or newer, git and make.
.DEFAULT_GOAL := help
.PHONY: help repro test report ui lint lock clean

PYTHON ?= python3
JOBS   ?= $(shell $(PYTHON) -c 'import os; print(os.cpu_count())')
FIELD  ?=

VENV := .venv
BIN  := $(VENV)/bin
# One thread a process: recurrent steps are too small to share (see docs/performance.md).
export OMP_NUM_THREADS := 1
export MKL_NUM_THREADS := 1
# Memory that a training step frees is kept for the next: given back and asked for anew it costs up to a sixth (glibc).
export MALLOC_TRIM_THRESHOLD_ := 4294967296
export MALLOC_MMAP_THRESHOLD_ := 1073741824
export PATH := $(CURDIR)/$(BIN):$(PATH)

help:  ## What can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  FIELD=speech make repro    one field only"
	@echo "  JOBS=4 make repro          so many processes at once (default: the cores)"

$(VENV)/installed: requirements-uv.lock requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "error: Python 3.11 or newer is needed; name one with PYTHON=..., as in: make PYTHON=python3.12 repro" >&2; exit 2; }
	@echo "installing into $(VENV)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check --require-hashes -r requirements-uv.lock
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

repro: $(VENV)/installed  ## From raw data to trained models and the report, whatever is not up to date
	@python -m unroll.reproduce --jobs $(JOBS) $(if $(FIELD),--field $(FIELD))
	@python -m unroll.stages.report --summary

test: $(VENV)/installed  ## Lint and all tests
	@ruff check . && ruff format --check .
	@python -m pytest

report: $(VENV)/installed  ## Rebuild the report and the README's table from what was measured and print its path
	@dvc repro --quiet --single-item report
	@python -m unroll.stages.report --readme README.md
	@python -m unroll.stages.report --summary

ui: $(VENV)/installed  ## Browse the MLflow runs at http://127.0.0.1:5000
	@MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false MLFLOW_DISABLE_TELEMETRY=true \
		mlflow ui --backend-store-uri sqlite:///mlflow.db --host 127.0.0.1 --port 5000 --workers 1

lint: $(VENV)/installed  ## Mend what ruff can mend
	@ruff check --fix . && ruff format .

lock: $(VENV)/installed  ## Pin every dependency anew, with hashes
	@uv pip compile --quiet --upgrade --universal --generate-hashes --all-extras --no-annotate --no-header \
		--no-emit-index-url --python-version 3.11 pyproject.toml -o requirements.lock

clean:  ## Remove the environment and what the tools cached; data, models and results stay
	@rm -rf $(VENV) .pytest_cache .ruff_cache build src/*.egg-info
