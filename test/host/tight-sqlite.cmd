# sqlite3 with a mapped file three times the memory there is, changed in random places.
# machine: MEM=40M SWAP=256M
n=$(awk '/MemTotal/ { print int(3 * $2 / 4) }' /proc/meminfo)
cat >/tmp/sql <<EOT
pragma mmap_size = 2147483648;
pragma journal_mode = off;
pragma cache_size = 200;
create table t(a integer primary key, b, c text);
with recursive n(x) as (select 1 union all select x + 1 from n where x < $n)
	insert into t select x, x, printf('%03900d', x) from n;
update t set b = b + 1 where a in (select abs(random()) % $n from t limit 300);
delete from t where a % 7 = 0;
select count(*) = $n - $n / 7, count(c) = count(*) from t;
select count(*) from t where cast(substr(c, -9) as integer) <> a;
select max(b - a) in (1, 2) from t;
pragma integrity_check;
EOT
/mnt/share/watch sqlite3 /tmp/d.db </tmp/sql
awk '/^pswpin/ { print ($2 > 1000) }' /proc/vmstat
