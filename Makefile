# Everything works on a bare clone with python3 (>= 3.11), make and a package index.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
MINUTES ?= 2
TASK ?= What is 17 + 25? Use the add tool.
READY := $(VENV)/.ready

.PHONY: run test check format bench torture clean setup soak

run: setup  ## an agent thinks with the embedded model, calls a tool and answers
	@$(BIN)/anima run examples/local.toml "$(TASK)" --home .home

test: setup  ## the whole suite; no test collected is a failure
	$(BIN)/pytest -n 2

check: setup  ## format, lint, types, layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup  ## put the code in the house's format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup  ## every figure of docs/performance.md, each as a ratio to a floor of the same run
	$(BIN)/python -m benchmarks

torture: setup  ## a thousand random kills; writes the table of docs/durability.md
	$(BIN)/python -m benchmarks.durability
	ANIMA_SEEDS=500 ANIMA_FLIPS=300 $(BIN)/pytest tests/disks

soak: setup  ## twenty agents under load and random kills, for MINUTES; writes docs/soak.md
	$(BIN)/python -m benchmarks.soak $(MINUTES)

clean:  ## remove the environment and every cache
	rm -rf $(VENV) .home .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

setup: $(READY)

$(READY): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(READY)
