# The two commands a newcomer needs are `make demo` and `make test`. Both set
# up all that they need first. `make` alone lists what there is: a demo takes
# the whole screen, and nobody should get one who only looks.

GO        ?= go
GOFLAGS   += -mod=readonly
TEST_TIME ?= 45m
# The race detector needs a C compiler; server.sh installs one where it may.
RACE       = $(shell command -v cc >/dev/null 2>&1 || command -v gcc >/dev/null 2>&1 && echo -race)

.DEFAULT_GOAL := help
.PHONY: help demo test lint cover goldens build release server faults test-versions bench bench-capsule bench-mirror
export GOFLAGS
# A program with the race detector waits a second before it ends, unless told
# otherwise; tests start hundreds.
export GORACE ?= atexit_sleep_ms=50

help: ## list these
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: server bin/tminus ## run the guide's reset on a throwaway database
	@bin/tminus demo --pace $(ARGS)

test: server lint ## run every test, with the race detector
	disk=$${TMPDIR:-/tmp}; TMPDIR=$$(sh testdata/memory.sh) GOTMPDIR=$${GOTMPDIR:-$$disk} \
		$(GO) test $(RACE) -timeout $(TEST_TIME) ./...

build: bin/tminus ## put the program into bin/

release: ## put archives for Linux and macOS, amd64 and arm64, into bin/release; see docs/contributing.md
	$(GO) run ./testdata/release bin/release

bin/tminus: FORCE
	@$(GO) build -trimpath -o $@ .
FORCE:

# The sandbox looks for local server binaries by itself, and downloads some
# where there are none. As root on Debian the distribution's are the better
# choice: they are there when the download is not.
server: ## install a PostgreSQL server and a C compiler, where that may be done
	@sh testdata/server.sh

lint: ## formatting, vet and the linters, at the versions of testdata/tools/go.mod
	@GO="$(GO)" sh testdata/lint.sh

cover: server ## run every test and tell how much of each package they reach; bin/cover.html shows where
	@mkdir -p bin
	$(GO) test -timeout $(TEST_TIME) -coverpkg=./... -coverprofile=bin/cover.out ./...
	@$(GO) tool cover -html=bin/cover.out -o bin/cover.html
	@awk -f testdata/cover.awk bin/cover.out

# The packages whose tests compare with files that -update writes.
GOLDEN = $(sort $(dir $(shell grep -rlE 'x/exp/golden|flag.Bool."update"' --include='*_test.go' .)))

goldens: server ## write every file that tests compare with anew; then read what git diff says
	$(GO) test -count=1 $(GOLDEN) -update

faults: server ## break a run at every place there is, half an hour; writes the table of docs/safety.md
	$(GO) test ./phases/fault -run TestFaults -count=1 -timeout 90m -v -args -all -table ../../docs/safety.md

test-versions: ## the database's tests and a demo on PostgreSQL 13 to 18, and through PgBouncer
	@GO="$(GO)" sh testdata/versions.sh $(MAJORS)

bench: server ## measure the program beside psql, and write the table of docs/benchmarks.md; half an hour on a quiet machine
	$(GO) run ./testdata/bench/run $(ROWS)

bench-capsule: server ## what a capsule costs a run, an undo against the deletes and against a restore; half an hour on a quiet machine
	$(GO) test ./phases/engine -run '^$$' -bench 'Capsule|Undo' -benchtime 1x -timeout 90m -v

bench-mirror: server ## what fifty viewers cost a run; a few minutes on a quiet machine
	$(GO) test ./ui/mirror -run '^$$' -bench Mirror -benchtime 1x -timeout 30m
