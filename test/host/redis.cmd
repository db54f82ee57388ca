# redis-server saves its data in a child while it is written to; what it saved is sound.
cd /tmp
redis-server --port 7777 --save '' --dir /mnt/share --daemonize yes >/dev/null
until redis-cli -p 7777 ping >/tmp/pong 2>&1; do sleep 0.2; done
cat /tmp/pong
redis-cli -p 7777 set held 41 && redis-cli -p 7777 incr held | cat
redis-benchmark -p 7777 -n 3000 -r 3000 -d 200 -t set -q >/dev/null &
redis-cli -p 7777 bgsave
wait
until redis-cli -p 7777 info persistence | grep -q bgsave_in_progress:0; do
	sleep 0.2
done
redis-cli -p 7777 info persistence | grep -c last_bgsave_status:ok
redis-cli -p 7777 shutdown nosave
