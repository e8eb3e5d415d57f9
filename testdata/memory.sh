#!/bin/sh
# Prints the folder that tests put their files and servers into: memory, where
# there is room for them and programs may be run from it, since databases are made
# and dropped by the hundred; else where temporary files are.
set -eu

disk=${TMPDIR:-/tmp}
memory=/dev/shm
least=4194304 # kB; the tests of two packages take a tenth of it
room=$(df -Pk "$memory" 2>/dev/null | awk '$1 == "tmpfs" { print $4 }')
free=$(awk '$1 == "MemAvailable:" { print $2 }' /proc/meminfo 2>/dev/null)
# A container may have less than the machine.
most=$(cat /sys/fs/cgroup/memory.max 2>/dev/null || echo max)
[ "$most" = max ] || free=$(((most - $(cat /sys/fs/cgroup/memory.current)) / 1024))
[ "${room:-0}" -ge $least ] && [ "${free:-0}" -ge $least ] || { echo "$disk"; exit; }

probe=$(mktemp "$memory/tminus-probe-XXXXXX" 2>/dev/null) || { echo "$disk"; exit; }
trap 'rm -f "$probe"' EXIT
echo '#!/bin/sh' >"$probe"
chmod +x "$probe"
if "$probe" 2>/dev/null; then echo "$memory"; else echo "$disk"; fi
