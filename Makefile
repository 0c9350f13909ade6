# `make` prints the targets. Python 3.10 to 3.13, make, a package registry and 10 GB of disk are all it needs.
.DEFAULT_GOAL := help
VENV := .venv
BIN := $(VENV)/bin
# The first of these that runs and is of a version we support; else python3, to say why not.
FITS := import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))
# On Linux PyTorch brings the CUDA libraries, used or not.
ROOM := import shutil; free = shutil.disk_usage(".").free / 1e9; \
	free < 10 and print(f"note: the packages take 8 GB and pip some 2 GB more while it works; {free:.1f} GB are free here")
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python3.10; do \
	$$p -c '$(FITS)' 2>/dev/null && echo $$p && exit; done; echo python3)
READY := $(VENV)/.ready

help:  ## print the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-26s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(READY)  ## train and score a forest on simulated traces, label new ones
	$(BIN)/celltype demo

test: $(READY)  ## run all tests, one process a core
	$(BIN)/python -m pytest --numprocesses auto --dist worksteal

PROFILE ?= quick
reproduce-calcium: $(READY)  ## run what the calcium paper's tables lack, PROFILE=quick or full
	$(BIN)/celltype reproduce paper=calcium_ann profile=$(PROFILE)

reproduce-calcium-figures: $(READY)  ## the same for its figures
	$(BIN)/celltype reproduce paper=calcium_ann 'table=[fig2,fig3,fig4]' profile=$(PROFILE)

reproduce-calcium-%: $(READY)  # the same for one table: reproduce-calcium-table1 ... -table5
	$(BIN)/celltype reproduce paper=calcium_ann table=$* profile=$(PROFILE)

reproduce-sts: $(READY)  ## run what the patch-clamp paper's tables lack, on simulated cells
	$(BIN)/celltype reproduce paper=sts profile=$(PROFILE)

STS ?= spike-train-scalograms/data
reproduce-sts-recorded: $(READY)  ## the same on its published features, STS=folder data of its repository
	$(BIN)/celltype reproduce paper=sts profile=$(PROFILE) dataset=sts_features dataset.path=$(STS)

reproduce-c4: $(READY)  ## run what the extracellular paper's tables lack, on simulated units
	$(BIN)/celltype reproduce paper=c4 profile=$(PROFILE)

C4 ?= hull.npz
reproduce-c4-recorded: $(READY)  ## the same on recorded units with recordings apart, C4=file or folder of them
	$(BIN)/celltype reproduce paper=c4 'table=[units,units_accuracy,classes]' profile=$(PROFILE) dataset=units dataset.path=$(C4)

MODEL ?= cerebellum
DATA ?= dataset=c4 dataset.path=C4
RUNS = outputs=outputs/model-runs/$(MODEL)
model: $(READY)  ## make a model of public recordings, MODEL=name DATA="dataset=... ..."; then predict model=name
	$(BIN)/celltype train $(DATA) $(RUNS)
	$(BIN)/celltype export run=seed $(RUNS) out=outputs/models/$(MODEL) overwrite=true

lint: $(READY)  ## check style
	$(BIN)/ruff check . && $(BIN)/ruff format --check .

benchmark: $(READY)  ## measure training speed beside plain PyTorch
	$(BIN)/python benchmarks/training.py

install: $(READY)  ## make .venv from the lock file

lock:  ## write requirements.lock anew from pyproject.toml
	uv pip compile pyproject.toml --all-extras --universal --python-version 3.10 --generate-hashes \
		--no-annotate --no-header --no-emit-index-url -q -o requirements.lock

clean:  ## remove .venv and build products; outputs/ stays
	rm -rf $(VENV) dist build .pytest_cache .ruff_cache .hypothesis

# Made anew when the lock or the project file is newer; the packages are the locked ones, hash for hash.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c '$(FITS)' || { echo "Python 3.10 to 3.13 is needed, found $$($(PYTHON) --version):" \
		"make PYTHON=/path/to/python3.13"; exit 1; }
	@rm -rf $(VENV)
	@$(PYTHON) -c '$(ROOM)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --require-hashes --no-deps --no-compile -r requirements.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m compileall -qq -j 0 $(VENV)/lib celltype_cli || true  # on all cores; some files are of other Pythons
	@touch $@

.PHONY: help demo test reproduce-calcium reproduce-calcium-figures reproduce-sts reproduce-sts-recorded reproduce-c4 reproduce-c4-recorded model lint benchmark install lock clean
