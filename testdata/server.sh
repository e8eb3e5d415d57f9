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

have_server && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
	echo "installing PostgreSQL server binaries"
	# No cluster of the distribution's own: the sandbox makes its servers itself.
	mkdir -p /etc/postgresql-common
	[ -e /etc/postgresql-common/createcluster.conf ] ||
		echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf
	apt-get update -qq
	DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends postgresql >/dev/null
	have_server && exit 0
fi
echo "no local PostgreSQL server: one will be downloaded" >&2
