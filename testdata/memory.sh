#!/bin/sh
# Prints the folder that tests put their files and servers into: memory, where
# there is room for them and programs may be run from it, since databases are made
# and dropped by the hundred; else where temporary files are.
set -eu

disk=${TMPDIR:-/tmp}
memory=/dev/shm
room=$(df -Pk "$memory" 2>/dev/null | awk '$1 == "tmpfs" { print $4 }')
[ "${room:-0}" -ge 4194304 ] || { echo "$disk"; exit; }

probe=$(mktemp "$memory/tminus-probe-XXXXXX" 2>/dev/null) || { echo "$disk"; exit; }
trap 'rm -f "$probe"' EXIT
echo '#!/bin/sh' >"$probe"
chmod +x "$probe"
if "$probe" 2>/dev/null; then echo "$memory"; else echo "$disk"; fi
