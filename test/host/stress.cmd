# stress-ng's stressors of memory and of what waits for files, each checking itself.
cd /tmp
for s in 'vm 1 --vm-bytes 16M' 'mmap 1 --mmap-bytes 8M' 'mmapfork 1' 'fork 1' \
	'mremap 1 --mremap-bytes 8M' 'madvise 1' 'brk 1' 'shm 1 --shm-bytes 4M' \
	'memfd 1 --memfd-bytes 8M' 'mlock 1' 'mincore 1' 'msync 1 --msync-bytes 4M' \
	'munmap 1' 'sock 1' 'sockpair 1' 'timerfd 1' 'eventfd 1' 'splice 1'; do
	stress-ng --$s -t 1 --verify --oomable >/tmp/said 2>&1
	echo "${s%% *} $?"
	grep 'fail:' /tmp/said || :
done
