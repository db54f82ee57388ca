# Pipes, substitution, arithmetic, functions, traps, background jobs.
echo one two three | tr ' ' '\n' | sort -r | head -n 2
total=0
for i in 1 2 3 4 5 6 7 8 9 10; do total=$((total + i)); done
echo "total $total"
square() { echo $(($1 * $1)); }
echo "square $(square 12)"
(exit 7) || echo "status $?"
false | true && echo "last of a pipe counts"
cat <<END | wc -l
a
b
c
END
trap 'echo caught' USR1
kill -USR1 $$
sleep 0.1 &
wait $!
echo "waited $?"
sh -c 'kill -9 $$'
echo "killed $?"
echo done
