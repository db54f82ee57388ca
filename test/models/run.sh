#!/bin/sh
# run.sh [NAME...] - check the models of the protocol, all or those named.
#
# NAME is a model (fault anon flush object pagein move), `live`, `quick` (what
# takes seconds), `test` (the few of `make test`), or `long` (what takes up to an
# hour; no other name includes that). One line a check, `ok` or `BAD`: a model
# that must hold does, with all its states visited; a planted bug must be found.
# Needs spin and gcc. One checker at a time, niced, under 5 GB; 15 minutes each.
cd "$(dirname "$0")" || exit 2
models=$PWD
scratch=$(mktemp -d) || exit 2
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM

# MODEL WANT WHAT DEFINES...
check() {
	model=$1
	want=$2
	what=$3
	shift 3
	flags=-DSAFETY
	options=
	file=$model
	if [ "$model" = live ]; then
		file=fault
		flags=-DNFAIR=3
		options='-a -f -N term'
		set -- -DLIVE "$@"
	fi
	cd "$scratch" || exit 2
	spin "$@" -a "$models/$file.pml" >log 2>&1 &&
		gcc -O2 $flags -DCOLLAPSE -DVECTORSZ=2048 -DMEMLIM=5000 \
			-o pan pan.c >>log 2>&1 &&
		timeout "$limit" nice ./pan -m2000000 $options >>log 2>&1
	verdict="$want, which nobody saw"
	if grep -q 'errors: 1' log; then
		verdict=found
	elif grep -qE 'out of memory|search depth too small|MEMLIM|error:' log
	then
		verdict='unfinished'
	elif grep -q 'errors: 0' log; then
		verdict=holds
	fi
	states=$(awk '/states, stored/ { print $1 }' log)
	mark=BAD
	[ "$verdict" != "$want" ] || mark=ok
	[ "$mark" = ok ] || bad=1
	printf '%s %s %s: %s (%s states) [%s]\n' "$mark" "$model" "$verdict" \
		"$what" "${states:-?}" "$*"
	cd "$models" || exit 2
}

wanted() {
	for name in $names; do
		case $2,$name in
		long,long | test,test | test,quick | quick,quick) return 0 ;;
		long,*) ;;
		*,all | *,"$1") return 0 ;;
		esac
	done
	return 1
}

names=${*:-all}
bad=0
# checks.txt: MODEL WANT SPEED WHAT | DEFINES
while read -r model want speed rest; do
	case $model in '' | '#'*) continue ;; esac
	wanted "$model" "$speed" || continue
	limit=900
	[ "$speed" != long ] || limit=3600
	check "$model" "$want" "$(echo "${rest%|*}" | sed 's/ *$//')" \
		${rest##*|} </dev/null
done <checks.txt
exit $bad
