# redis-server with three times the memory there is saves in a child while it is written to.
# machine: MEM=40M SWAP=512M
cd /tmp
n=$(awk '/MemTotal/ { print int(3 * $2 / 4) }' /proc/meminfo)
cat >go <<EOT
redis-server --port 7777 --save '' --dir /mnt/share --daemonize yes >/dev/null
until redis-cli -p 7777 ping >/tmp/pong 2>&1; do sleep 0.2; done
python3 - <<'EOP' | redis-cli -p 7777 --pipe | tail -n 1
import sys
for i in range($n):
    value = b"%08d" % i * 490
    sys.stdout.buffer.write(b"*3\r\n\$3\r\nSET\r\n\$8\r\n%08d\r\n\$%d\r\n%s\r\n" % (i, len(value), value))
EOP
redis-cli -p 7777 bgsave
redis-benchmark -p 7777 -n 2000 -r 3000 -d 3000 -t set -q >/dev/null
until redis-cli -p 7777 info persistence | grep -q bgsave_in_progress:0; do sleep 0.5; done
redis-cli -p 7777 info persistence | grep -o last_bgsave_status:ok
redis-cli -p 7777 get 00000777 | md5sum
redis-cli -p 7777 shutdown nosave
EOT
/mnt/share/watch sh go | sed 's/replies: [0-9]*/replies: all/'
awk '/^pswpin/ { print ($2 > 1000) }' /proc/vmstat
