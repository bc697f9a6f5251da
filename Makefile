# What a newcomer types; everything else is behind these. Each target makes sure of what it needs.
#
#   make run                              the whole system on this machine, with a few dozen payments
#   make run ARGS="--payments 5000 --keep"
#   make test                             unit, real-database, fault and contract tests

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
STACK := local/stack
# Recipes run in the stack's environment: its ports, its URLs, its tools, no account's credentials.
ENV := source $(STACK)/env.sh;
SAM = SAM_CLI_TELEMETRY=0 PATH="$$SAM_VENV/bin:$$PATH" sam

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1|\2/' | column -t -s '|'

.PHONY: run
run: ## starts everything, sends payments and shows what becomes of them; ARGS go to makegood-local run
	@$(STACK)/run.sh $(ARGS)

.PHONY: test
test: ## every test; ARGS go to cargo nextest run, --postgres=18 (16, 17) before them tries another server
	@$(STACK)/test.sh $(ARGS)

.PHONY: test-fast
test-fast: ## unit tests: no server, seconds once compiled; ARGS go to cargo nextest
	@$(ENV) cargo nextest run --workspace --lib --features makegood-tests/kafka $(ARGS)

.PHONY: plans
plans: ## pages that each statement reads, against its budget; ARGS="--rows 1000000", --list, "--only WORD"; --postgres=18 first
	@$(STACK)/plans.sh $(ARGS)

.PHONY: docs
docs: ## the pages of docs/ and the documentation of the code, as HTML in target/doc
	@$(STACK)/docs.sh

.PHONY: check
check: ## format, lints, words, circles of modules, examples, the template, budgets of statements, the query cache
	@$(STACK)/install.sh
	@$(ENV) cargo fmt --all --check
	@$(ENV) cargo clippy --workspace --all-targets --features makegood-tests/kafka --quiet -- -D warnings
	@$(ENV) $(SAM) validate
	@$(ENV) $(SAM) validate --lint
	@$(ENV) "$$SAM_VENV/bin/python" tests/contract/words_check.py
	@$(ENV) "$$SAM_VENV/bin/python" tests/contract/circles_check.py
	@$(ENV) "$$SAM_VENV/bin/python" tests/contract/outer_joins_check.py
	@$(ENV) "$$SAM_VENV/bin/python" tests/contract/security_check.py
	@$(ENV) "$$SAM_VENV/bin/python" tests/contract/examples_check.py
	@$(ENV) "$$SAM_VENV/bin/python" tests/contract/pages_check.py
	@$(ENV) "$$SAM_VENV/bin/python" tests/contract/migrations_check.py
	@$(ENV) "$$SAM_VENV/bin/python" tests/contract/expanded_check.py --quiet
	@$(ENV) "$$SAM_VENV/bin/python" tests/contract/template_check.py
	@$(ENV) "$$SAM_VENV/bin/python" tests/contract/template_mutations.py --quiet
	@$(ENV) "$$SAM_VENV/bin/python" tests/contract/scale_check.py --quiet
	@$(ENV) "$$SAM_VENV/bin/python" tests/contract/guided_check.py --quiet
	@$(ENV) python3 tests/mutants/mutants.py --check
	@$(ENV) python3 docs/compatibility.py --check
	@$(ENV) python3 tests/plans/plans.py --check
	@$(STACK)/queries.sh check

.PHONY: preflight
preflight: ## what a deployment would fail at and cost, asked of your AWS account; ARGS="--config-env prod --parameter-overrides Name=value …"
	@SQLX_OFFLINE=true cargo run --quiet --bin makegood -- preflight $(ARGS)

.PHONY: chaos
chaos: ## drives the built functions while everything around them fails; ARGS="--seed 7 --minutes 5 --cells database,sqs"
	@$(STACK)/chaos.sh $(ARGS)

.PHONY: soak
soak: ## what takes too long for make test: doctor over a healthy million, PLANS_ROWS (1000000) of make plans, CHAOS_MINUTES (20) of chaos
	@$(STACK)/install.sh servers
	@$(STACK)/start.sh postgres pgbouncer
	@$(ENV) cargo build --workspace --bin makegood
	@$(ENV) benches/doctor.sh $(ARGS)
	@$(STACK)/plans.sh --rows $(or $(PLANS_ROWS),1000000)
	@$(STACK)/chaos.sh --minutes $(or $(CHAOS_MINUTES),20)

.PHONY: mutants
mutants: ## takes each guard away and sees whether a test notices (nightly); ARGS="--only ID", "--area NAME", --list, --check
	@$(ENV) python3 tests/mutants/mutants.py $(ARGS)

.PHONY: mutants-pure
mutants-pure: ## the same for the pure modules, with cargo-mutants (hours); ARGS="--shard 0/8" an eighth, ARGS="--re src/ids.rs" one module
	@$(ENV) tests/mutants/pure.sh $(ARGS)

.PHONY: security
security: ## the tests that docs/security.md names, then make supply-chain
	@$(STACK)/test.sh -E "$$(python3 tests/contract/security_check.py --expression)"
	@$(STACK)/supply_chain.sh $(ARGS)

.PHONY: supply-chain
supply-chain: ## licences, bans, sources, unused dependencies, advisories; ARGS=--strict fails without the advisory database
	@$(STACK)/supply_chain.sh $(ARGS)

.PHONY: bench
bench: ## the figures of docs/performance.md; ARGS go to the benchmark
	@$(STACK)/install.sh servers
	@$(STACK)/start.sh postgres pgbouncer redis
	@$(ENV) benches/run.sh $(ARGS)

.PHONY: contracts
contracts: ## what is published, tried with the tools that integrators use (npm, PyPI); ARGS=--all with Go and PHP too
	@$(STACK)/contracts.sh $(ARGS)

.PHONY: findings
findings: ## surprises of outside parts, each tried again on the pinned packages (findings/README.md); not part of CI
	@for finding in findings/*.sh; do echo "· $$finding"; "$$finding"; done

.PHONY: build
build: ## the binaries for AWS (release, arm64), in .aws-sam/build; PIPELINES=shop those of one pipeline; ARGS go to sam build
	@$(STACK)/install.sh build
	@PIPELINES=$(PIPELINES) $(STACK)/arm64.sh build $(ARGS)

.PHONY: build-check
build-check: ## looks at what make build made: arm64, a glibc that Lambda has, and each function answers its sample events
	@$(STACK)/install.sh build
	@$(STACK)/install.sh servers
	@$(STACK)/arm64.sh check

.PHONY: deploy-local
deploy-local: ## starts the local stack and deploys to it, without traffic
	@$(STACK)/install.sh
	@$(STACK)/start.sh
	@$(STACK)/deploy.sh
	@$(STACK)/welcome.sh

.PHONY: deploy-check
deploy-check: ## deploys to the local stack, types what it prints, updates one function, deletes everything, and looks each time
	@$(STACK)/install.sh
	@$(STACK)/start.sh
	@$(STACK)/deploy.sh
	@$(ENV) python3 $(STACK)/printed_check.py
	@$(ENV) "$$SAM_VENV/bin/python" $(STACK)/lifecycle.py

.PHONY: iam-check
iam-check: ## every function on a local AWS that enforces its role; ARGS="--take create-purchase sqs:SendMessage" to see it fail
	@$(STACK)/install.sh
	@$(STACK)/start.sh
	@$(STACK)/deploy.sh
	@$(ENV) "$$SAM_VENV/bin/python" $(STACK)/iam_check.py $(ARGS)

.PHONY: invoke
invoke: ## one function with one event: FUNCTION=create-purchase EVENT=events/create-purchase.sqs.json; ARGS=--all for all samples
	@$(STACK)/invoke.sh $(or $(ARGS),$(FUNCTION) $(EVENT) $(SET))

.PHONY: status
status: ## which servers run, and where everything is reached
	@$(STACK)/status.sh

.PHONY: stop
stop: ## stops the local stack; its data stays
	@$(STACK)/stop.sh

.PHONY: clean
clean: ## stops the local stack and removes all that can be made again
	@$(STACK)/stop.sh
	@$(ENV) rm -rf "$${MAKEGOOD_SCRATCH:-.local/scratch}"
	rm -rf .local .aws-sam target
