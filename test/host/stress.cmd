# stress-ng's stressors of memory, more of it than there is, and of what waits for files, each
# checking itself and coming to its end, while somebody watches for how long the machine stands still.
# machine: MEM=96M SWAP=512M
cd /tmp
for s in 'vm 2 --vm-bytes 96M --vm-ops 40' 'mmap 1 --mmap-bytes 32M --mmap-ops 1' \
	'mmapfork 1 --mmapfork-ops 1' 'fork 2 --fork-ops 50' \
	'mremap 1 --mremap-bytes 8M --mremap-ops 2' 'madvise 1 --madvise-ops 1' \
	'brk 2 --brk-ops 2000' 'stack 1 --stack-ops 1' \
	'bigheap 1 --bigheap-growth 64K --bigheap-ops 1000' \
	'shm 1 --shm-bytes 4M --shm-ops 2' 'shm-sysv 1 --shm-sysv-ops 4' \
	'memfd 1 --memfd-bytes 8M --memfd-ops 4' 'mlock 1 --mlock-ops 1' \
	'mincore 1 --mincore-ops 50' 'msync 1 --msync-bytes 4M --msync-ops 50' \
	'munmap 1 --munmap-ops 50' 'sock 1 --sock-ops 50' 'sockpair 1 --sockpair-ops 50' \
	'timerfd 1 --timerfd-ops 50' 'eventfd 1 --eventfd-ops 50' \
	'splice 1 --splice-ops 50'; do
	name=${s%% *}
	/mnt/share/watch stress-ng --$s --timeout 60 --verify --oomable \
		--metrics-brief >/tmp/said 2>&1
	left=$?
	done=$(awk -v name=$name '/metrc/ && $4 == name { print $5; exit }' /tmp/said)
	if [ $left = 0 ] && [ "${done:-0}" -ge "${s##* }" ] && ! grep -q fail: /tmp/said; then
		echo "$name passed"
	else
		echo "$name failed: status $left, ${done:-no} operations"
		cat /tmp/said
	fi
	grep '^Tome:' /tmp/said
done
awk '/^pswpout/ { print ($2 > 1000 ? "pages went to swap" : "no page went to swap") }' /proc/vmstat
