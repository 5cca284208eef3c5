# One `make check` that people and CI alike run. `make quick` is the loop while writing.
PYTHON ?= python

.PHONY: check check-all lint quick test slow docs screenshots
check: lint test

check-all: check slow

lint:
	ruff format --check .
	ruff check .
	mypy
	lint-imports
	codespell
	$(PYTHON) -m docs.generate --check
	npm run --silent lint

quick:
	$(PYTHON) -m pytest -q -n0 -m "not browser and not slow and not gpu"

test:
	$(PYTHON) -m pytest

slow:
	$(PYTHON) -m pytest -m slow

docs:
	$(PYTHON) -m docs.generate

screenshots:
	$(PYTHON) -m docs.screenshots
