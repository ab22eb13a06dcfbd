# What one does here: `make help` lists it. GNU make and a POSIX shell; all else is installed into .venv and
# node_modules, once: the stamps tell what is there, and nothing asks a network while they are current.

SHELL = /bin/sh
PYTHON ?= python3
PORT ?= 8484
VENV = .venv
PY = $(VENV)/bin/python
# Where the machine has no Node.js, the one from pip has its commands here.
NPM = PATH="$(CURDIR)/$(VENV)/bin:$$PATH" npm
PIP = $(PY) -m pip --disable-pip-version-check install --quiet

.DEFAULT_GOAL = help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help demo test lint unit e2e test-grist format build wheel reference bench bench-dashboard screenshots clean system

# $(call step,name,command,what to do when it fails)
define step
@echo "== $(1)"
@$(2) || { echo "$(1) failed: $(3)" >&2; exit 1; }
endef

help: ## list what one can do
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

demo: $(VENV)/.demo ## show everything on this machine; PORT=8484
	@$(PY) build.py
	@# make may be killed the hard way: on Linux the demo then ends, too.
	@set --; if setpriv --pdeathsig TERM true 2>/dev/null; then set -- setpriv --pdeathsig TERM; fi; \
	exec "$$@" $(PY) -m grist_live demo --port "$(PORT)"

test: system lint build $(VENV)/.synapse ## lint and all tests, with what they need
	$(call step,node --test,$(NPM) test --silent,see the test named above)
	@echo "== pytest"
	@$(PY) -m pytest -m "not grist"

lint: $(VENV)/.test node_modules/.complete ## ruff, mypy, tsc
	$(call step,ruff check,$(PY) -m ruff check .,mend the lines above; make format mends most)
	$(call step,ruff format,$(PY) -m ruff format --check .,run make format)
	$(call step,mypy,$(PY) -m mypy,mend the lines above)
	$(call step,tsc,$(NPM) run --silent types,mend the lines above)

unit: $(VENV)/.test $(VENV)/.synapse node_modules/.complete build ## tests without a browser
	$(call step,node --test,$(NPM) test --silent,see the test named above)
	@$(PY) -m pytest -m "not grist" tests

e2e: system $(VENV)/.test node_modules/.complete build ## tests in a browser
	@$(PY) -m pytest -m "not grist" e2e

test-grist: ## tests against a Grist server: GRIST_URL=… GRIST_API_KEY=…
	@if [ -z "$$GRIST_URL" ] || [ -z "$$GRIST_API_KEY" ]; then \
	echo "say which server: GRIST_URL=https://grist.example.org GRIST_API_KEY=… make test-grist" >&2; exit 1; fi
	@$(MAKE) --no-print-directory system $(VENV)/.test build
	@$(PY) -m pytest -m grist

format: $(VENV)/.test ## mend what ruff can mend
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

build: $(VENV)/.demo ## build the widgets into grist_live/static
	@$(PY) build.py

wheel: build ## make a wheel in dist/, with the widgets built
	@$(PY) -m pip --disable-pip-version-check wheel --quiet --no-deps --wheel-dir dist .
	@ls dist/*.whl

reference: $(VENV)/.demo ## write the tables of settings in docs/ anew
	@$(PY) docs/reference.py

bench: $(VENV)/.test ## measure against flask-sse, sse-starlette and nginx + nchan; write bench/results.md
	@$(PY) -m bench.run $(BENCH)

bench-dashboard: $(VENV)/.test build ## measure the dashboard in Chromium against its budgets; write bench/dashboard.md
	@$(PY) -m bench.dashboard $(BENCH)

screenshots: system $(VENV)/.test build ## take the pictures of docs/images anew
	@$(PY) docs/screenshots.py

clean: ## remove all that was made here, as in a fresh clone
	rm -rf $(VENV) node_modules grist_live/static build dist test-results .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.made:
	@command -v $(PYTHON) >/dev/null || { echo "there is no $(PYTHON): install Python 3.11 or later" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	echo "$$($(PYTHON) --version) is too old: 3.11 or later is needed; name another by PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	echo "this Python can't make environments: apt-get install python3-venv (or your system's package)" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@touch $@

# Node.js builds the widgets: the machine's, else the one that pip brings.
WITH_NODE = if node -e 'process.exit(parseInt(process.versions.node) < 18)' 2>/dev/null && command -v npm >/dev/null; \
	then extra=; else extra=,build; fi

$(VENV)/.demo: pyproject.toml $(VENV)/.made
	@echo "Installing into .venv (once, a minute or two) …"
	@$(WITH_NODE); $(PIP) --editable ".[demo$$extra]"
	@touch $@

$(VENV)/.test: pyproject.toml $(VENV)/.made
	@echo "Installing into .venv what the tests need (once, a minute or two) …"
	@$(WITH_NODE); $(PIP) --editable ".[test$$extra]"
	@touch $(VENV)/.demo $@

$(VENV)/.synapse: pyproject.toml $(VENV)/.test
	@echo "Installing into .venv a Matrix homeserver, for the tests of alerts (once, half a minute) …"
	@$(PIP) --editable ".[synapse]"
	@touch $@

node_modules/.complete: package.json package-lock.json | $(VENV)/.test
	@echo "Installing into node_modules (once) …"
	@$(NPM) ci --no-audit --no-fund --silent
	@touch $@

# Programs that the tests drive. Only root can install them; others are told how.
system:
	@missing=; for program in chromium redis-server; do \
	command -v $$program >/dev/null || missing="$$missing $$program"; done; \
	$(PYTHON) -c 'import ensurepip' 2>/dev/null || missing="$$missing python3-venv"; \
	[ -n "$$missing" ] || exit 0; \
	if [ "$$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then \
	echo "== apt-get install$$missing"; \
	apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $$missing; \
	else echo "missing:$$missing. Install it: sudo apt-get install$$missing" >&2; exit 1; fi
