# Every target sets up what it needs, the first time only.
.PHONY: help demo up test test-postgres check format lock bench bench-gateway bench-proof mutation-proof bench-replay bench-cut bench-posture bench-agent bench-fleet bench-scim bench-signals wheel clean-demo screenshots
PY := .venv/bin/python
TEST_PACKAGES := apache2 caddy chromium curl dbus-daemon fonts-dejavu-core git iproute2 libapache2-mod-auth-mellon libapache2-mod-auth-openidc libfaketime libnss3-tools libtss2-tcti-tabrmd0 nftables nginx-light openssh-server openssl postgresql swtpm swtpm-tools systemd tpm2-abrmd tpm2-openssl
BENCH_PACKAGES := wrk nginx-light caddy apache2 libapache2-mod-auth-openidc

help:
	@echo "make demo [CHECK=1]   a sample company behind the gateway, on this machine"
	@echo "make test             every test on SQLite, and on PostgreSQL what knows a database"
	@echo "make check            format, lint, types, contracts, migrations, links"
	@echo "make bench            what it costs; make bench-gateway for the gateway alone"
	@echo "make bench-replay     how fast a million requests are decided again by other rules"
	@echo "make bench-cut        how soon a thousand WebSockets notice that somebody is gone"
	@echo "make bench-posture    how soon a WebSocket notices that its device is not healthy any more"
	@echo "make bench-agent      what an agent costs its computer, and ten thousand of them the instance"
	@echo "make bench-fleet      what ten thousand devices cost that report every five minutes"
	@echo "make bench-scim       how long a directory of 10,000 people takes to keep them here"
	@echo "make bench-signals    how soon a signal of another system ends access"
	@echo "make bench-proof      how long proofs about rules take"
	@echo "make mutation-proof   whether the tests of the proofs notice changed code; hours"
	@echo "make lock             pin every dependency by hash"

demo:
	@tools/prepare demo
	@$(PY) -m ostiary.demo $(if $(CHECK),--check) $(if $(CODES),--codes) $(if $(PORT),--port $(PORT))

test: test-sqlite test-postgres

test-sqlite:
	@tools/prepare dev $(TEST_PACKAGES)
	@$(PY) -m tools.run_tests

test-postgres:
	@tools/prepare dev $(TEST_PACKAGES)
	@$(PY) -m tools.run_tests --postgres

check:
	@tools/prepare dev
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy
	.venv/bin/lint-imports --no-logo
	$(PY) -m tools.house_rules
	$(PY) -m tools.deploy_check

format:
	@tools/prepare dev
	$(PY) -m ruff format .
	$(PY) -m ruff check --fix .

lock:
	uv pip compile -q --generate-hashes --no-emit-index-url --python-version 3.11 pyproject.toml -o requirements/runtime.txt
	uv pip compile -q --generate-hashes --no-emit-index-url --python-version 3.11 pyproject.toml --extra build --extra demo -o requirements/demo.txt
	uv pip compile -q --generate-hashes --no-emit-index-url --python-version 3.11 pyproject.toml --extra build --extra demo --extra dev -o requirements/dev.txt

bench: bench-gateway

bench-gateway:
	@tools/prepare dev $(BENCH_PACKAGES)
	@$(PY) -m bench.gateway

bench-replay:
	@tools/prepare dev
	@$(PY) -m bench.replay

bench-cut:
	@tools/prepare dev
	@$(PY) -m bench.cut

bench-posture:
	@tools/prepare dev
	@$(PY) -m bench.posture

bench-agent:
	@tools/prepare dev postgresql
	@$(PY) -m bench.agent

bench-fleet:
	@tools/prepare dev postgresql
	@$(PY) -m bench.fleet

bench-scim:
	@tools/prepare dev
	@$(PY) -m bench.scim

bench-signals:
	@tools/prepare dev
	@$(PY) -m bench.signals

bench-proof:
	@tools/prepare dev
	@$(PY) -m bench.proof

mutation-proof:
	@tools/prepare dev
	@$(PY) -m tools.mutate

wheel:
	@tools/prepare dev
	$(PY) -m hatchling build -t wheel

screenshots:
	@tools/prepare dev chromium fonts-liberation
	@$(PY) -m tests.screenshots
