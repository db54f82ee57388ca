# What /proc says, as far as it is the same everywhere.
grep -c '\[stack\]' /proc/self/maps
grep -c '\[heap\]' /proc/self/maps
awk '/busybox/ && /r-xp/ { n++ } END { print n }' /proc/self/maps
tr '\0' ' ' </proc/self/cmdline; echo
awk '/^(VmSize|VmRSS|VmStk|VmData|Threads)/ { print $1, ($2 > 0) }' /proc/self/status
awk '/^(MemTotal|MemFree):/ { print $1, ($2 > 1000) }' /proc/meminfo
awk 'END { print NF }' /proc/self/stat
awk 'END { print NF }' /proc/self/statm
free | awk '/^Mem:/ { print ($2 > $3) }'
head -c 16 /dev/urandom | wc -c
head -c 100 /dev/zero | md5sum
echo gone >/dev/null && echo null
