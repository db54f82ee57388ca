# sqlite3 with a mapped file.
sqlite3 /tmp/d.db 'pragma mmap_size = 268435456; create table t(a, b);
	with recursive c(x) as (select 1 union all select x + 1 from c
	where x < 20000) insert into t select x, hex(x) from c;
	create index i on t(b); delete from t where a % 3 = 0;
	select count(*), sum(a) from t; pragma integrity_check;'
