# Needs Python 3.11 or newer with its venv, and make. `make test` runs Kafka under Java, fetched by
# Maven, and says in its last line what it could not test without them (see tests/support/backing.py).
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PYTEST = TMPDIR="$$($(BIN)/python -m tests.support.scratch_space)" $(BIN)/pytest
LOCK := requirements.lock
DEV_LOCK := requirements-dev.lock
LOCKING := --quiet --strip-extras --generate-hashes --allow-unsafe --no-header --no-emit-index-url --no-emit-trusted-host --no-emit-options

.DEFAULT_GOAL := help
.PHONY: help run test all-tests lint unit system mutations bench bench-sla bench-router eval-router lock clean

help: ## Show what there is
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

run: $(VENV)/.run ## Install, migrate and start the whole desk on http://127.0.0.1:8000
	@exec $(BIN)/inbound-desk run

test: $(VENV)/.dev ## Everything: linters, unit, contract, service and system tests on real parts
	@$(MAKE) --no-print-directory -j2 lint all-tests

all-tests: $(VENV)/.dev
	@# Files that take long begin first. The system tests mostly wait: the others run beside them.
	$(PYTEST) -n 4 --dist loadfile --no-loadscope-reorder tests/system tests/stories tests/contracts tests/services tests/unit tests/architecture

lint: $(VENV)/.dev ## ruff, mypy --strict, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

unit: $(VENV)/.dev ## The tests that need neither database nor broker
	$(PYTEST) -q tests/unit tests/stories tests/architecture

system: $(VENV)/.dev ## The whole desk, killed and restarted
	$(PYTEST) -q tests/system

mutations: $(VENV)/.dev ## 20,000 wrong deliveries for each connector, for the night
	MUTATED_DELIVERIES=20000 $(PYTEST) -q -n 2 tests/contracts/test_mutated_deliveries.py

bench: $(VENV)/.dev ## Ratios of the hot path, measured side by side (needs wrk)
	$(BIN)/python -m bench.intake
	$(BIN)/python -m bench.pipeline
	$(BIN)/python -m bench.million

bench-sla: $(VENV)/.bench ## Ratios of the business-time engine and the deadline poller
	$(BIN)/python -m bench.business_time
	$(BIN)/python -m bench.deadlines
	$(BIN)/python -m bench.on_time

bench-router: $(VENV)/.dev ## Decisions a second and core, loading, memory, and lookups of similar questions
	$(BIN)/python -m bench.router_decisions
	$(BIN)/python -m bench.similar
	$(BIN)/python -m bench.router_model

eval-router: $(VENV)/.dev ## How often the router is right on the evaluation sets, before and after corrections
	$(BIN)/python -m eval.router.run
	$(BIN)/python -m eval.router.run --company

lock: $(VENV)/.dev ## Pin what is installed, with hashes and without addresses
	$(BIN)/pip-compile $(LOCKING) --output-file $(LOCK) pyproject.toml
	$(BIN)/pip-compile $(LOCKING) --extra dev --constraint $(LOCK) --output-file $(DEV_LOCK) pyproject.toml
	$(BIN)/pip-compile $(LOCKING) --build-deps-for wheel --only-build-deps --output-file requirements-build.lock pyproject.toml

clean: ## Remove what make has made; never the desk's data
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Inbound Desk needs Python 3.11 or newer; name one: make PYTHON=python3.12 ...")'
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo 'Python has no venv here; on Debian and Ubuntu install python3-venv' >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.run: $(VENV)/.made pyproject.toml $(LOCK)
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r $(LOCK)
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.made pyproject.toml $(DEV_LOCK)
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r $(DEV_LOCK)
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps -e .
	@touch $@ $(VENV)/.run

$(VENV)/.bench: $(VENV)/.dev
	$(BIN)/python -m pip install -q --disable-pip-version-check businesstimedelta business-duration
	@touch $@
