# Every target makes the virtual environment if it is missing or out of date.
PYTHON ?= python3
VENV ?= .venv
WORKERS ?= 2
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PANDAS2 := $(VENV)-pandas2
PANDAS2_READY := $(PANDAS2)/.ready
OF_PANDAS := tests/tables tests/test_estimator.py tests/test_frames.py

.PHONY: help train test check bench bench-peers bench-faults fuzz faults bench-sweep bench-scale bench-ddp ablation docs notebooks smoke dist clean
help:     ## Show the targets
	@grep -E '^[a-z-]+: .*## ' $(MAKEFILE_LIST) | sed 's/: .*## /\t/'

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev,bench]'
	@touch $@

# the same packages by their path, and pandas 2.2 in front of them
$(PANDAS2_READY): $(READY)
	$(PYTHON) -m venv $(PANDAS2)
	$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
		> $$($(PANDAS2)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/all.pth
	$(PANDAS2)/bin/pip install --quiet --no-deps pandas==2.2.3 pytz==2026.6
	@touch $@

train: $(READY)  ## Set everything up and train the main experiment
	$(BIN)/python -m tabgan.train +experiment=cgan_adult

test: $(READY) $(PANDAS2_READY)  ## Set everything up and run what CI runs: format, lint, types, all tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m "not bench and not gpu"
	$(PANDAS2)/bin/python -m pytest -n $(WORKERS) --dist worksteal -m "not bench and not gpu" $(OF_PANDAS)

check: $(READY)  ## Format, lint, types and the fast tests
	$(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/mypy
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m "not slow and not bench and not gpu"

bench: $(READY)  ## Print the benches' tables
	$(BIN)/python -m pytest -m bench -s

bench-peers: $(READY)  ## Our recipe beside CTGAN on Adult: quality, time, memory (an hour; goes on where it was)
	$(BIN)/python -m tabgan.bench

ablation: $(READY)  ## Each part of the recipe off, three seeds (hours; goes on where it was)
	$(BIN)/python -m tabgan.study +study=ablation

fuzz: $(READY)   ## Broken tables, schemas, conditions and run folders against our readers (N=10000 SEED=0)
	$(BIN)/python scripts/fuzz.py --n $(or $(N),10000) --seed $(or $(SEED),0)

faults: $(READY) ## Full disks, read-only mounts, killed workers, clocks that jump: a table of outcomes
	$(BIN)/python scripts/faults.py

bench-faults: $(READY)  ## Kill 20 trainings at random moments, have them go on, compare to the bit
	$(BIN)/python scripts/bench_faults.py

bench-sweep: $(READY)  ## A sweep of 8 runs, one after the other and through joblib (8 minutes on 2 cores)
	$(BIN)/python scripts/bench_sweep.py

bench-scale: $(READY)  ## Train from 5 million rows on the disk: time to the first step, throughput, memory
	$(BIN)/python scripts/bench_scale.py

bench-ddp: $(READY)  ## Adult in one process and in two: quality, time (half an hour on a quiet machine)
	$(BIN)/python scripts/bench_ddp.py

docs: $(READY)   ## Build the documentation site into build/site, strictly and without a network
	$(BIN)/python -m mkdocs build --strict

notebooks: $(READY)  ## Run the notebooks of docs/notebooks and keep their output (minutes)
	$(BIN)/python scripts/notebooks.py

smoke: $(READY)  ## Two batches, end to end
	$(BIN)/python -m tabgan.train +experiment=cgan_adult +debug=smoke

dist: $(READY)   ## Build wheel and sdist into dist/, and check both
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[release]'
	rm -rf dist
	$(BIN)/python -m build
	$(BIN)/twine check --strict dist/*
	$(BIN)/check-wheel-contents dist/*.whl

clean:    ## Remove caches, never outputs/
	rm -rf .pytest_cache .ruff_cache .mypy_cache .hypothesis build dist
