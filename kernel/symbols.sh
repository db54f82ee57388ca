#!/bin/sh
# symbols.sh [NM-LIST] - the table that backtrace.c reads, as assembler source:
# from the list that nm -n gives of the first link, or empty, for that link.
set -eu
awk '
BEGIN {
	print "\t.section .symbols, \"a\""
	print "\t.globl symbol_table, symbol_count, symbol_names"
	print "\t.balign 4"
	print "symbol_table:"
}
$3 == "text_start" { base = "0x" substr($1, length($1) - 7) }
$2 ~ /^[tTwW]$/ && $3 !~ /^[.$]/ && base != "" {
	printf "\t.long 0x%s - %s, %d\n", substr($1, length($1) - 7), base, used
	names = names "\t.asciz \"" $3 "\"\n"
	used += length($3) + 1
	n++
}
END {
	print "symbol_count:\n\t.long " n + 0
	print "symbol_names:"
	printf "%s\t.byte 0\n", names
	print "\t.section .note.GNU-stack, \"\", %progbits"
}' "${1:-/dev/null}"
