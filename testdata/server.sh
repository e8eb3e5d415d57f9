#!/bin/sh
# Makes sure that PostgreSQL server binaries are to be had, and a C compiler
# for the race detector. Does nothing where they are.
set -eu

have_server() {
	[ -n "${TMINUS_PG_BIN:-}" ] && return 0
	command -v initdb >/dev/null 2>&1 && command -v postgres >/dev/null 2>&1 && return 0
	for dir in /usr/lib/postgresql/*/bin /usr/pgsql-*/bin \
		/opt/homebrew/opt/postgresql@*/bin /usr/local/opt/postgresql@*/bin; do
		[ -x "$dir/initdb" ] && [ -x "$dir/postgres" ] && return 0
	done
	return 1
}

have_compiler() { command -v "${CC:-cc}" >/dev/null 2>&1 || command -v gcc >/dev/null 2>&1; }

have_server && have_compiler && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
	# No cluster of the distribution's own: the sandbox makes its servers itself.
	mkdir -p /etc/postgresql-common
	[ -e /etc/postgresql-common/createcluster.conf ] ||
		echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf
	wanted=""
	have_server || wanted="postgresql"
	have_compiler || wanted="$wanted gcc libc6-dev"
	echo "installing$(printf ' %s' $wanted)"
	# shellcheck disable=SC2086
	{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
		apt-get install -qq -y --no-install-recommends $wanted >/dev/null; } ||
		echo "apt-get could not install that" >&2 # what follows says what this means
fi
have_server || echo "no local PostgreSQL server: the sandbox will download one" >&2
have_compiler || echo "no C compiler: tests run without the race detector" >&2
