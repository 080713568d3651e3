# make run   sets everything up and opens the studio on a demo project
# make test  sets everything up and runs all tests, the browser ones too
# make lint  ruff and mypy
# Settings: PYTHON=python3.12  VENV=.venv  HOME_DIR=DIR (where the studio keeps its data)  CTVIS_OP=auto|cpu|cuda|off  PYTEST_ARGS="-k word"

PYTHON ?= python3
VENV ?= .venv
PYTEST_ARGS ?= -n 2 --dist loadfile
BIN := $(VENV)/bin
SERVE := $(if $(HOME_DIR),--home $(HOME_DIR))

.PHONY: run test lint format setup browser op clean

run: setup
	$(BIN)/ctvis-studio serve --demo $(SERVE)

test: setup browser
	$(BIN)/python -m pytest $(PYTEST_ARGS)

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

setup: $(VENV)/ready

# torch goes in first: building the optional op against it must not fetch a second one.
$(VENV)/ready: pyproject.toml setup.py $(wildcard engine/csrc/*.* engine/csrc/cuda/*)
	@$(PYTHON) -c 'import sys; sys.exit("CTVIS Studio needs Python 3.11 or newer; this is %d.%d. Try: make PYTHON=python3.11" % sys.version_info[:2] if sys.version_info < (3, 11) else 0)'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet "torch>=2.14" "torchvision>=0.29" "setuptools>=77" wheel
	$(BIN)/python -m pip install --quiet --no-build-isolation --editable ".[dev]"
	@touch $@

# The browser that the tests drive: one that is there, or Debian's if we may install it.
browser:
	@if command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core; \
	else \
	  echo "The browser tests need Chromium, which is not installed. Install it (Debian: sudo apt-get install chromium), then run make test again." >&2; exit 1; \
	fi

clean:
	rm -rf $(VENV) build *.egg-info engine/*.so
