# Tells how much of each package, and of all, a coverage profile has seen. The
# profile has a block once for each package whose tests were built with it.
NR > 1 {
	statements[$1] = $2
	if ($3 > 0) seen[$1] = 1
}
END {
	for (block in statements) {
		package = block
		sub(/\/[^\/]*$/, "", package)
		all[package] += statements[block]
		total += statements[block]
		if (block in seen) {
			reached[package] += statements[block]
			sum += statements[block]
		}
	}
	for (package in all)
		printf "%5.1f %%  %s\n", 100 * reached[package] / all[package], package | "sort -k3"
	close("sort -k3")
	printf "%5.1f %%  all\n", total ? 100 * sum / total : 0
}
