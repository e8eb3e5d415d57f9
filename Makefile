# The two commands a newcomer needs are `make demo` and `make test`. Both set
# up all that they need first.

GO        ?= go
GOFLAGS   += -mod=readonly
TEST_TIME ?= 9m
# The race detector needs a C compiler; server.sh installs one where it may.
RACE       = $(shell command -v cc >/dev/null 2>&1 || command -v gcc >/dev/null 2>&1 && echo -race)

.PHONY: demo test lint build server faults test-versions bench-mirror
export GOFLAGS

demo: server bin/tminus ## run the guide's reset on a throwaway database
	@bin/tminus demo $(ARGS)

test: server lint ## run every test, with the race detector
	$(GO) test $(RACE) -timeout $(TEST_TIME) ./...

build: bin/tminus

bin/tminus: FORCE
	@$(GO) build -trimpath -o $@ .
FORCE:

# The sandbox looks for local server binaries by itself, and downloads some
# where there are none. As root on Debian the distribution's are the better
# choice: they are there when the download is not.
server:
	@sh testdata/server.sh

lint: ## formatting, vet and the linters, at the versions of testdata/tools/go.mod
	@GO="$(GO)" sh testdata/lint.sh

faults: server ## break a run at every place there is, some minutes; writes the table of docs/safety.md
	$(GO) test ./phases/fault -run TestFaults -count=1 -timeout 30m -v -args -all -table ../../docs/safety.md

test-versions: ## the database's tests and a demo on PostgreSQL 13 to 18, and through PgBouncer
	@GO="$(GO)" sh testdata/versions.sh $(MAJORS)

bench-mirror: server ## what fifty viewers cost a run; a few minutes on a quiet machine
	$(GO) test ./ui/mirror -run '^$$' -bench Mirror -benchtime 1x -timeout 30m
