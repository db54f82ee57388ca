# python3 sorts, and hashes, three times the memory there is.
# machine: MEM=64M SWAP=512M
cat >/tmp/t.py <<'EOT'
import hashlib
PAGE = 4096
def digest(i):
    return hashlib.blake2b(i.to_bytes(8, "little"), digest_size=8).digest()
total = 3 * int(open("/proc/meminfo").readline().split()[1]) * 1024
n = total // PAGE
records = [digest(i) * ((PAGE - 64) // 8) for i in range(n)]
records.sort()
print(all(records[i] <= records[i + 1] for i in range(n - 1)))
print(all(r == r[:8] * (len(r) // 8) for r in records))
print(sorted(r[:8] for r in records) == sorted(digest(i) for i in range(n)))
del records
block = bytearray(total)
streamed = hashlib.sha256()
for i in range(n):
    page = digest(i) * (PAGE // 8)
    block[i * PAGE:(i + 1) * PAGE] = page
    streamed.update(page)
print(hashlib.sha256(memoryview(block)[:n * PAGE]).digest() == streamed.digest())
EOT
/mnt/share/watch 5000 python3 /tmp/t.py
awk '/^pswpin/ { print ($2 > 10000) }' /proc/vmstat
