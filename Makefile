# Klatsch from a fresh clone: `make run` starts it, `make test` proves it. `make help` lists the rest.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

WEB_SOURCES := $(shell find web -type f -not -path 'web/node_modules/*' -not -path 'web/dist/*' 2>/dev/null)
PAGE := web/dist/index.html
MODULES := web/node_modules/.package-lock.json
# What cargo needs to know of OpenSSL; asked for only where something is compiled.
OPENSSL = $(shell scripts/openssl)

.PHONY: help run cluster build web test check sockjs-suite clean

help: ## List what there is
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 20

run: build ## Build the page and the server, start it at http://localhost:8080
	./target/release/klatsch serve

cluster: build ## Start Kafka, PostgreSQL and two nodes (NODES=3, BROKERS=3, CLEAN=1) until Ctrl-C
	scripts/cluster

build: $(PAGE) ## Build the page and the server
	cargo build --release --locked $(OPENSSL)

web: $(PAGE) ## Build the page

test: ## Check everything, then run every test: Rust, PostgreSQL, web, browser
	scripts/test

check: $(PAGE) ## Format, lints, documents, licences, tidiness, types of the page
	cargo fmt --check
	cargo clippy --locked --all-targets $(OPENSSL) -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --document-private-items $(OPENSSL)
	@if cargo deny --version >/dev/null 2>&1; then cargo deny check bans licenses sources; \
	else echo "*** SKIPPED cargo deny: it is not installed (cargo install cargo-deny)"; fi
	cargo test --locked --test tidy $(OPENSSL)
	cd web && npm run check

sockjs-suite: ## Run the public test suite of SockJS (SUITE=checkout of sockjs/sockjs-protocol, with Python 2.7)
	scripts/sockjs-suite "$(SUITE)"

clean: ## Remove everything that was built
	rm -rf target .tools web/dist web/node_modules

$(PAGE): $(WEB_SOURCES) $(MODULES)
	cd web && npm run build
	@touch $@

$(MODULES): web/package.json web/package-lock.json
	@scripts/preflight
	cd web && npm ci --no-audit --no-fund
	@touch $@
