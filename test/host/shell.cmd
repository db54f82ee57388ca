# bash and coreutils, dynamically linked.
bash -c '
cd /tmp
seq 1 3000 | sort -R | sort -n | md5sum
for i in 1 2 3; do (sleep 0.0$i; echo $i) & done | sort; wait
diff <(seq 5) <(seq 6)
printf "%s\n" {a..c}{1..2} | tac | paste -sd,
mkdir -p d/e && touch d/e/f && find d -type f && rm -r d
x=$(head -c 100000 /dev/zero | tr "\0" x); echo ${#x}
timeout 0.1 sleep 1000; echo $?
ls /usr/bin/env && env -i A=b env
'
