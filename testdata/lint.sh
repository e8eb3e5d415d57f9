#!/bin/sh
# Holds the sources against the linters of testdata/tools/go.mod, each built by
# the go command from the version that stands there: everybody's are the same.
#
# Left out, each with its reason:
#   golangci-lint  has these and more, but building it takes longer than half
#                  of the tests do, and a clean checkout builds everything
#   exhaustive     a switch here names the cases that differ, and its default
#                  is the rule; the tests go over all kinds of events instead
#   ineffassign    staticcheck finds the same (SA4006)
#   bodyclose      one place makes requests, and its tests see what is left open
#   misspell, unconvert, whitespace
#                  what they find misleads nobody; gofumpt does the last one
# Of staticcheck's own checks none is left out.
set -eu
cd "$(dirname "$0")/.."
go=${GO:-go}
tool() { "$go" tool -modfile=testdata/tools/go.mod "$@"; }

# By name: a folder called testdata is passed over otherwise.
unformatted=$(find . -name '*.go' | xargs "$go" tool -modfile=testdata/tools/go.mod gofumpt -l)
[ -z "$unformatted" ] || {
	echo "not formatted, run gofumpt -w of testdata/tools/go.mod on:" >&2
	echo "$unformatted" >&2
	exit 1
}
"$go" vet ./...
tool staticcheck -checks all ./...
tool errcheck -exclude testdata/tools/errcheck.txt -ignoretests ./...
tool go-errorlint -test=false ./...
tool nilerr -test=false ./...
tool unparam -tests=false ./...
