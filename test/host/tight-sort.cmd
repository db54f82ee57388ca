# python3 sorts three times the memory there is, and hashes what came out.
# machine: MEM=40M SWAP=256M
cat >/tmp/t.py <<'EOT'
import hashlib
TIMES = (4096 - 64) // 8
def digest(i):
    return hashlib.blake2b(i.to_bytes(8, "little"), digest_size=8).digest()
def hashed(records):
    all = hashlib.sha256()
    for r in records:
        all.update(r)
    return all.digest()
n = 3 * int(open("/proc/meminfo").readline().split()[1]) // 4
records = [digest(i) * TIMES for i in range(n)]
records.sort(key=lambda r: r[:8])
print(hashed(records) == hashed(d * TIMES for d in sorted(map(digest, range(n)))))
EOT
/mnt/share/watch python3 /tmp/t.py
awk '/^pswpin/ { print ($2 > 10000) }' /proc/vmstat
