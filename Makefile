# Every command of the project, the same on a laptop and in CI.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# A run must not depend on what a shell happens to export.
unexport DBT_PROFILES_DIR DBT_PROJECT_DIR DBT_TARGET
export DBT_SEND_ANONYMOUS_USAGE_STATS := false
export GX_ANALYTICS_ENABLED := false

.DEFAULT_GOAL := help
.PHONY: help install refresh test lint bench soak superset test-superset test-tryton spark-cluster spark-cluster-stop test-spark engines docs lock lock-superset lock-spark clean

help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F'\t' '{printf "  make %-16s %s\n", $$1, $$2}'

install: $(STAMP) ## create .venv and install the locked dependencies

# Bytecode is compiled once here: otherwise every run of the nightly job would compile it anew.
$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed; call make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(BIN)/python -m compileall -q -j 0 $(VENV)/lib scripts || true
	@touch $(STAMP)

refresh: install ## land a generated sample company, build, check, publish, report
	@$(BIN)/warehouse sample var/sample
	@$(BIN)/warehouse refresh var/sample

test: install lint ## every check of the project, as CI runs it
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

lint: install ## style of Python and SQL
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/sqlfluff lint --processes 2 --disable-progress-bar models tests/singular analyses

bench: install ## a full refresh, its nights, and the plainest scripts (DEALS="100000 1000000")
	$(BIN)/python scripts/bench/landing.py
	$(BIN)/python scripts/bench/nights.py --deals $(or $(DEALS),100000 1000000)
	for deals in $(or $(DEALS),100000 1000000); do $(BIN)/python scripts/bench/against_floor.py --deals $$deals || exit 1; done

soak: install ## a hundred kills of the nightly run while people read (about half an hour)
	$(BIN)/python tests/soak/kills.py --kills $(or $(KILLS),100)

.venv-superset/.installed: scripts/superset/requirements.lock
	$(PYTHON) -m venv .venv-superset
	.venv-superset/bin/pip install --quiet --disable-pip-version-check --require-hashes -r scripts/superset/requirements.lock
	.venv-superset/bin/python -m compileall -q -j 0 .venv-superset/lib || true
	@touch .venv-superset/.installed

superset: install .venv-superset/.installed ## Apache Superset on the published marts, in an environment of its own (0.9 GB)
	SCARF_ANALYTICS=false .venv-superset/bin/python scripts/superset/serve.py

test-superset: install .venv-superset/.installed ## Superset for real, across two publishes (not part of make test)
	SCARF_ANALYTICS=false $(BIN)/pytest tests/superset

.venv-tryton/.installed: tests/tryton/requirements.lock
	$(PYTHON) -m venv .venv-tryton
	.venv-tryton/bin/pip install --quiet --disable-pip-version-check --require-hashes -r tests/tryton/requirements.lock
	.venv-tryton/bin/python -m compileall -q -j 0 .venv-tryton/lib || true
	@touch .venv-tryton/.installed

test-tryton: install .venv-tryton/.installed ## Tryton for real: its client moves deals, its database is landed (a minute)
	$(BIN)/pytest tests/tryton

# Spark runs in an environment of its own: the project with dbt-spark and PySpark (0.5 GB).
.venv-spark/.installed: scripts/spark/requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv-spark
	.venv-spark/bin/pip install --quiet --disable-pip-version-check --require-hashes -r scripts/spark/requirements.lock
	.venv-spark/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	.venv-spark/bin/python -m compileall -q -j 0 .venv-spark/lib || true
	@touch .venv-spark/.installed

spark-cluster: .venv-spark/.installed ## a Spark cluster on this machine for tests: master, two workers, Thrift server (Java 17)
	.venv-spark/bin/python scripts/spark/cluster.py start

spark-cluster-stop: ## stop it, by process id
	.venv-spark/bin/python scripts/spark/cluster.py stop

test-spark: .venv-spark/.installed ## every mart on Spark equals DuckDB's, also when processes die (some eleven minutes)
	.venv-spark/bin/pytest $(or $(ONLY),tests/spark)

engines: .venv-spark/.installed ## write docs/engines.md: what DuckDB and Spark spell differently, tried on both
	.venv-spark/bin/python tests/spark/engines.py

docs: install ## write what is generated: docs/kpis.md, docs/landing.md, parts of the README
	@$(BIN)/python -m warehouse.documentation

lock: install ## resolve the dependencies anew (needs uv)
	uv pip compile pyproject.toml --extra dev --extra database --extra semantic --no-strip-extras --universal --python-version 3.11 --generate-hashes --no-header --output-file requirements.lock

lock-superset: ## resolve the dependencies of Superset anew (needs uv)
	uv pip compile scripts/superset/requirements.in --universal --python-version 3.11 --generate-hashes --no-header --no-strip-extras --output-file scripts/superset/requirements.lock

lock-spark: ## resolve the dependencies of Spark anew, beside those of the project (needs uv)
	uv pip compile pyproject.toml --extra dev --extra database --extra spark --constraint requirements.lock --no-strip-extras --universal --python-version 3.11 --generate-hashes --no-header --output-file scripts/spark/requirements.lock

clean: ## remove everything that was generated
	rm -rf var target logs .pytest_cache .ruff_cache .hypothesis
