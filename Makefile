# Two commands on a fresh machine with Python 3.11: `make demo` and `make test`.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
# LOCKED=1 installs exactly what requirements.lock names, each file by its hash.
LOCKED ?=
SCALE ?= 1

.PHONY: setup demo demo-score demo-eval parity test lint types check bench-engine bench-engines bench-review effort \
	full-size chaos soak security audit lock screenshots clean

setup: $(VENV)/.installed

# Stamps, so that a second start takes no time and a changed requirement is installed.
$(VENV)/.installed: requirements.txt requirements.lock
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check \
		$(if $(LOCKED),--require-hashes -r requirements.lock,-r requirements.txt)
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed requirements-dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@

demo: $(VENV)/.installed  ## set up, auto-label the demo project, serve it (ARGS=--once ends instead)
	@$(BIN)/python manage.py demo $(ARGS)

demo-score: $(VENV)/.installed  ## precision and recall of a fresh demo run's drafts against the ground truth
	@data=$$(mktemp -d) && trap 'rm -rf "$$data"' EXIT && \
		env -u DATABASE_URL -u REDIS_URL DATA_DIR=$$data $(BIN)/python manage.py demo --score

demo-eval: $(VENV)/.installed-dev  ## every demo model on held-out scenes: mAP, IoU, precision and recall
	@SCALE=$(SCALE) $(BIN)/python benchmarks/demo_eval.py

parity: $(VENV)/.installed-dev  ## our predictor's mAP beside ultralytics' own validator on 500 scenes
	@SCALE=$(SCALE) $(BIN)/python benchmarks/parity.py

test: $(VENV)/.installed-dev lint types  ## everything that must pass before a commit lands
	PRINT_FIGURES=1 $(BIN)/python -m pytest $(ARGS)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	PYTHONPATH=. $(BIN)/lint-imports

types: $(VENV)/.installed-dev
	$(BIN)/mypy

check: $(VENV)/.installed-dev  ## Django's own checks, the deployment ones included
	$(BIN)/python manage.py makemigrations --check --dry-run
	HTTPS=1 $(BIN)/python manage.py check --deploy --fail-level WARNING

bench-engine: $(VENV)/.installed-dev  ## what the machinery costs without a model
	@SCALE=$(SCALE) $(BIN)/python benchmarks/bench_engine.py

bench-engines: $(VENV)/.installed-dev  ## PyTorch, ONNX Runtime and OpenVINO on a YOLO n at 640
	@SCALE=$(SCALE) $(BIN)/python benchmarks/bench_engines.py

full-size: $(VENV)/.installed-dev  ## YOLO n, SAM vit_b and SAM 3 at full size, with random weights (9 GB of memory)
	@$(BIN)/python benchmarks/full_size.py

bench-review: $(VENV)/.installed-dev  ## how fast the review page is in a real Chromium
	@SCALE=$(SCALE) $(BIN)/python benchmarks/bench_review.py

effort: $(VENV)/.installed-dev  ## how many keys and clicks a review takes, counted in a real Chromium
	@$(BIN)/python benchmarks/effort.py

chaos: $(VENV)/.installed-dev  ## kills, freezes, lost servers, poison, cancels: nothing lost, nothing doubled (ARGS="--rows 1,8 --db sqlite")
	@SCALE=$(SCALE) $(BIN)/python -m benchmarks.chaos $(ARGS)

soak: $(VENV)/.installed-dev  ## 100,000 items with a kill every 30 s
	@SCALE=$(SCALE) $(BIN)/python -m benchmarks.chaos --rows 13 $(ARGS)

security: $(VENV)/.installed-dev  ## what nobody may do, tried: webhooks, addresses inside, made-up requests, roles, uploads, scripts
	@SCALE=$(SCALE) $(BIN)/python -m benchmarks.security $(ARGS)

audit: $(VENV)/.installed-dev  ## known weaknesses of the locked dependencies; without a network it says so
	@$(BIN)/python benchmarks/audit.py

lock: $(VENV)/.installed-dev  ## requirements.lock anew from requirements.txt
	$(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-annotate --no-header \
		--no-emit-index-url --no-emit-trusted-host --no-emit-find-links --output-file requirements.lock requirements.txt

screenshots: $(VENV)/.installed-dev  ## every page, light and dark, narrow and wide, into screenshots/
	@$(BIN)/python -m tests.browser.screenshots

clean:
	rm -rf $(VENV) var screenshots .mypy_cache .ruff_cache .pytest_cache .coverage
