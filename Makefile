# Xporter Bridge. `make` lists the targets; set-up happens by itself, in .venv and .tools.

define SETTINGS

Settings, from the environment:
  PYTHON            the interpreter to set up with, 3.11 or newer (python3)
  XPORTER_URL       another Xporter instead of the simulator                            (up, demo)
  RELYING_PARTY     who we are to Xporter (live.example.app)                            (up, demo, simulator)
  CALLBACKS_PORT  API_PORT  AWS_PORT  SIMULATOR_PORT  PAGE_PORT     0 or unset: any free port   (up, demo, simulator)
  KEEP              1 leaves the stack and its page up after the demo, until Ctrl-C     (demo)
  LOG_LEVEL         of the functions: DEBUG, INFO, WARNING (INFO)                       (up, demo)
  STACK_DIR         where a stack keeps its log and state (a new folder under .local)   (up, demo)
  STAGE             the section of samconfig.toml that is built for: test, prod (prod)  (build, deploy)
  COMPANY           the folder of your own samconfig.toml and datasets.toml             (build, deploy)
  YES               1 to be asked nothing                                               (deploy, trial)
  TRIAL_REPORT      the file to write (trial-report.json)                               (trial)
  MINUTES           how long the load lasts (10)                                        (soak, chaos, fuzz, parsers)
  MODULES           the modules to change, e.g. MODULES="pulls/hold schools/model" (every module that decides)   (mutants)
  TESTS             what pytest is told, e.g. TESTS="tests/unit -k callbacks"           (test)
endef
export SETTINGS

# The ready lines of `up` and `simulator` stand alone, also when make calls make.
MAKEFLAGS += --no-print-directory
PYTHON ?= python3
WORKERS ?= $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
STAGE ?= prod
MINUTES ?= 10
export SAM_CLI_TELEMETRY := 0
RUN := .venv/bin/python
SAM := .tools/sam/bin
WORKFLOWS := .tools/workflows/bin
SHIPPED := layers/dependencies/requirements.txt
COMPILE := .tools/uv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header

.DEFAULT_GOAL := help
.PHONY: audit cost deploy dist docs emulators help demo test up simulator check fuzz parsers mutants permissions build bench storm soak chaos trial setup lock tables dashboard screenshots
.NOTPARALLEL:

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile
	@echo "$$SETTINGS"

demo: setup ## the whole job end to end: stack, simulator, schools, pulls, verified against the truth
	@exec $(RUN) -m tools.demo

test: setup emulators ## the whole test suite
	@exec $(RUN) -m pytest -n $(WORKERS) --dist loadgroup $(TESTS)

screenshots: setup ## docs/dashboards.png anew, from the demo; needs Chromium
	@exec $(RUN) -m tools.local_page.screenshots

up: setup ## the local stack in the foreground, until Ctrl-C
	@exec $(RUN) -m tools.stack up

simulator: setup ## the Xporter simulator alone, until Ctrl-C
	@exec $(RUN) -m tools.simulator

check: setup .tools/checkov/.ready .tools/audit/.ready .tools/workflows/.ready ## format, lint, types, template, workflows; security by ruff S, checkov, zizmor, and an audit of what ships
	@$(RUN) -m ruff format --check . && $(RUN) -m ruff check . && $(RUN) -m mypy
	@$(SAM)/sam validate --lint && $(SAM)/cfn-lint template.yaml tools/trial/simulator.yaml
	@.tools/checkov/bin/checkov --framework cloudformation --file template.yaml --skip-download --compact --quiet
	@for schema in workflows:workflows/*.yaml issue-forms:ISSUE_TEMPLATE/[!c]*.yml issue-config:ISSUE_TEMPLATE/config.yml; do \
		$(WORKFLOWS)/check-jsonschema --builtin-schema "vendor.github-$${schema%%:*}" .github/$${schema#*:} || exit; done
	@$(WORKFLOWS)/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	@$(WORKFLOWS)/zizmor --offline --quiet --no-progress --persona pedantic .github
	@$(RUN) -m tools.supply_chain.audit $(SHIPPED)

docs: setup .tools/docs/.ready ## the pages as a site in .local/site, every link checked
	@exec $(RUN) -m tools.site

audit: setup .tools/audit/.ready ## what is known against the packages of every lock; without the network, a sentence that says so
	@exec $(RUN) -m tools.supply_chain.audit $(SHIPPED) $(wildcard requirements/*.txt)

fuzz: setup ## invents input for the receivers and every parser for MINUTES; a failure shows the input
	@exec $(RUN) -m tests.support.fuzz $(MINUTES)

parsers: setup .tools/atheris/.ready ## invents bytes for every parser for MINUTES, guided by what they reach; Linux alone has atheris
	@PYTHONPATH=$$(echo $(CURDIR)/.venv/lib/python3*/site-packages):layers/shared exec .tools/atheris/bin/python \
		-m tests.support.fuzz_bytes $(MINUTES) .local/parsers/corpus

mutants: setup .tools/mutants/.ready ## changes the modules that decide, one place at a time; writes docs/mutants.md
	@exec $(RUN) -m tests.support.mutate_decisions $(MODULES)

permissions: setup ## takes every statement of every role away, one at a time, and shows the test that misses it
	@exec $(RUN) -m tests.support.mutate_permissions

build: setup ## the deployable artifact in .aws-sam/build; then `make deploy`, or `sam deploy --config-env prod`
	@exec $(RUN) -m tools.stack build "$(STAGE)" $(if $(COMPANY),"$(COMPANY)")

deploy: setup ## checks COMPANY's configuration, builds, and deploys the stage with your AWS credentials
	@$(if $(COMPANY),.venv/bin/xporter-bridge doctor --config "$(COMPANY)")
	@$(RUN) -m tools.stack build "$(STAGE)" $(if $(COMPANY),"$(COMPANY)")
	@exec $(SAM)/sam deploy --config-env "$(STAGE)" --no-fail-on-empty-changeset $(if $(YES),--no-confirm-changeset) \
		$(if $(wildcard $(COMPANY)/samconfig.toml),--config-file "$(abspath $(COMPANY))/samconfig.toml")

dist: setup ## the wheels of the operator's command line and of the Python client, in dist
	@set -e; for package in tools/operator clients/python; do (cd $$package && ../../$(RUN) -m hatchling build --target wheel --directory ../../dist); done

trial: setup ## the product in an AWS account, once, and deleted again; AWS_ENDPOINT_URL for an emulator (docs/trial.md)
	@exec $(RUN) -m tools.trial $(if $(YES),--yes)

bench: setup ## every benchmark; the last line of each is one JSON object
	@set -e; for benchmark in benchmarks/[a-z]*.py; do $(RUN) "$$benchmark"; done
	@$(RUN) -m tools.load storm --schools 20 --duplicates 10
	@exec $(RUN) -m tools.load soak --minutes 5

storm: setup ## 200 schools change at once on a local stack, 30 callbacks each, with faults; then the truth
	@exec $(RUN) -m tools.load storm

soak: setup ## steady changes and faults on a local stack for MINUTES; the resources stay constant
	@exec $(RUN) -m tools.load soak --minutes $(MINUTES)

chaos: setup ## kill -9 of functions at random on a local stack for MINUTES; then the truth
	@exec $(RUN) -m tools.load chaos --minutes $(MINUTES)

cost: setup ## docs/cost.md anew, from the counted calls of a simulated day
	@PYTHONPATH=layers/shared $(RUN) -m tests.support.write_cost

setup: .venv/.ready .tools/sam/.ready .tools/stack/.ready .tools/runtime/.ready .venv/bin/xporter-bridge ## only what every other target begins with

# Second opinions on AWS, if the machine has npm and a JDK; without, the tests say what they left out.
emulators: setup
	@$(RUN) -m tools.emulators.installation

tables: setup ## writes docs/tables.md and a JSON schema per table from the catalogue
	@exec $(RUN) -m tools.catalogue

dashboard: setup ## writes dashboards/fleet.yaml into template.yaml
	@exec $(RUN) -m tools.dashboards

lock: .tools/uv/.ready ## rewrites the lock files from their .in files
	@$(COMPILE) layers/dependencies/requirements.in -o layers/dependencies/requirements.txt
	@for name in atheris audit checkov dev docs mutants sam stack runtime simulator uv workflows; do $(COMPILE) requirements/$$name.in -o requirements/$$name.txt || exit; done
	@cd requirements/emulators && npm install --package-lock-only

.venv/.ready: requirements/dev.txt .tools/uv/.ready
	@$(PYTHON) -m tools.set_up .venv $<

# The operator's command line; a new environment loses it.
.venv/bin/xporter-bridge: tools/operator/launch.sh .venv/.ready
	@install -m 755 $< $@

.tools/%/.ready: requirements/%.txt .tools/uv/.ready
	@$(PYTHON) -m tools.set_up .tools/$* $<

.tools/uv/.ready: requirements/uv.txt
	@$(PYTHON) -m tools.set_up .tools/uv $<
