# table.awk PAGES LINUX TOME - one row per operation: instructions on both, and
# the ratio without those of a page cleared or copied (variables cleared, copied).
# The second round counts. Rows beyond half of Linux's figure are marked.
FNR == 1 {
	file++
}
file == 1 {
	if ($0 !~ /^#/) {
		split($0, field, "\t")
		page[field[1]] = field[2]
	}
	next
}
# Columns are fixed: a name may hold anything.
length($0) >= 49 && substr($0, 39, 11) ~ /^ *[0-9.]+$/ {
	name = substr($0, 1, 38)
	sub(/ +$/, "", name)
	if (file == 2) {
		linux[name] = substr($0, 39, 11) + 0
		next
	}
	if (!(name in tome))
		order[++rows] = name
	tome[name] = substr($0, 39, 11) + 0
	more[name] = substr($0, 50)
}
END {
	printf "%-38s %10s %10s %6s", "operation", "Linux", "Tome", "ratio"
	if (more[order[rows]] != "")
		printf " %8s %8s", "flushes", "IPIs"
	print ""
	for (i = 1; i <= rows; i++) {
		name = order[i]
		work = 0
		if (page[name] == "cleared")
			work = cleared
		else if (page[name] == "copied")
			work = copied
		if (!(name in linux) || linux[name] <= work)
			continue
		ratio = (tome[name] - work) / (linux[name] - work)
		high = ratio > 0.5
		if (name == "loop iter")
			high = 0
		else
			judged++
		beyond += high
		printf "%-38s %10.1f %10.1f %6.3f%s%s\n", name, linux[name],
		    tome[name], ratio, more[name], high ? "  *" : ""
	}
	printf "\n%d of %d rows at or under half of Linux; * marks the others.\n",
	    judged - beyond, judged
}
