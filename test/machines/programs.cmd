export LC_ALL=C
head -c 100000 /bin/dash | wc -c
seq 1 20000 | sort -r | md5sum
bash -c 'f() { [ $1 = 0 ] || f $(($1 - 1)); }
f 200
for i in 1 2 3; do (echo $i) & wait; done
echo ${PIPESTATUS[0]}'
python3.11 -c "
import mmap, os, zlib
m = mmap.mmap(-1, 1 << 22)
m[:] = bytes(range(256)) * (1 << 14)
pid = os.fork()
if pid == 0:
    m[0:5] = b'child'
    print(zlib.crc32(m), flush=True)
    os._exit(3)
print(os.waitpid(pid, 0)[1] >> 8, bytes(m[0:5]))
n = 250000
print(hash(tuple(sorted(str(i * 7919 % n) for i in range(n)))[1]) != 0,
    sum(sorted(range(n), key=lambda i: i * 7919 % n)[:1000]))
"
rm -f /tmp/programs.db
sqlite3 /tmp/programs.db "pragma mmap_size = 1000000;
create table t(a);
with recursive c(x) as (select 1 union all select x + 1 from c where x < 50000)
insert into t select x * x from c;
create index i on t(a);
pragma integrity_check;
select sum(a), count(*) from t where a > 1000000"
