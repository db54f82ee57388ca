# Many processes: each copies the shell's memory, some exec, all are reaped.
i=0
while [ $i -lt 100 ]; do
	(exit 0) || echo "subshell failed"
	i=$((i + 1))
done
echo "subshells $i"
i=0
while [ $i -lt 50 ]; do
	/bin/true || echo "exec failed"
	i=$((i + 1))
done
echo "execs $i"
for i in 1 2 3 4 5 6 7 8; do
	sh -c "x=\$(seq 1 500 | md5sum); echo \$x" &
done | sort | uniq -c
wait
ps | grep -c '[d]efunct'
echo end
