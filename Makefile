# Everything a fresh machine needs: Python 3.11 or later, pip and make. Nothing is installed outside .venv.

PYTHON ?= python3
BIN := .venv/bin
SAMPLE := sample_logs/article/weight-too-high

.PHONY: report test lint dashboard bench accuracy bench-landscape clean

# Exit code 1 says that the log has findings, as this one should.
report: .venv/installed
	@echo "trainvitals report $(SAMPLE)"
	@$(BIN)/trainvitals report $(SAMPLE) || test $$? -eq 1

test: .venv/installed-dev
	$(BIN)/python -m pytest -n 2

lint: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	MYPYPATH=.venv/src $(BIN)/mypy -p trainvitals.parsers -p trainvitals.diagnostics -p trainvitals.dashboard -p trainvitals.sample_logs

dashboard: .venv/installed
	$(BIN)/trainvitals dashboard sample_logs

# Ratios to other programs that read the same logs; see benchmarks/README.md. BENCH="--quick" takes two minutes.
bench: .venv/installed .venv-bench/installed
	$(BIN)/python benchmarks/run.py --peers .venv-bench/bin/python $(BENCH)

# How often planted faults are named, beside other programs of the kind; see benchmarks/accuracy/README.md.
accuracy: .venv/installed .venv-peers/installed
	$(BIN)/python benchmarks/accuracy/run.py --peers .venv-peers/bin/python $(ACCURACY)

# The loss around weights beside a plain loop of another program; see benchmarks/README.md.
bench-landscape: .venv-landscape/installed benchmarks/data/article/weights-600.pt
	.venv-landscape/bin/python benchmarks/landscape/run.py benchmarks/data/article $(LANDSCAPE)

benchmarks/data/article/weights-600.pt: .venv-landscape/installed
	.venv-landscape/bin/trainvitals train article --checkpoints 10 --out benchmarks/data/article

.venv-landscape/installed: benchmarks/landscape/requirements.txt
	$(PYTHON) -m venv .venv-landscape
	.venv-landscape/bin/python -m pip install --quiet --disable-pip-version-check --requirement $< --editable '.[trainer]'
	touch $@

.venv-peers/installed: benchmarks/accuracy/requirements.txt
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

.venv-bench/installed: benchmarks/requirements.txt
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

clean:
	rm -rf .venv .venv-bench .venv-peers .venv-landscape benchmarks/data build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/installed: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

# The trainer's packages take half a minute, and its tests run here too.
# The link gives mypy the package under its import name, which an editable install hides from it.
.venv/installed-dev: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,trainer]'
	mkdir -p .venv/src && ln -sfn ../.. .venv/src/trainvitals
	touch $@ .venv/installed
