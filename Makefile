# Thin verbs over the tools; each line can be typed by hand.
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup test lint types fix check

help:  ## list the verbs
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile

setup:  ## create .venv and install migaki with its tools, as constraints.txt pins them
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -q -c constraints.txt -e '.[dev]'

test:  ## run the tests; ARGS="-m slow" for the slow ones
	$(BIN)/pytest -q $(ARGS)

lint:  ## rules, format and import layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types:  ## mypy, strict
	$(BIN)/mypy

fix:  ## repair what can be repaired
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

check: lint types test  ## everything that CI asks for but the slow tests
