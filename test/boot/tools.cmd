# The usual tools on files in memory.
cd /tmp
seq 1 5000 >numbers
md5sum numbers
awk '{ s += $1 } END { print s }' numbers
grep -c 7 numbers
gzip -c numbers | gunzip | cmp - numbers && echo same
mkdir -p deep/er/still
cp numbers deep/er/still/copy
tar cf all.tar deep && rm -r deep && tar xf all.tar
find deep | sort
find deep -type f | xargs md5sum
dd if=/dev/zero of=zeroes bs=4096 count=256 2>/dev/null
wc -c zeroes
md5sum zeroes
sed -n '100,103p' numbers | tac
ln -s numbers link && readlink link && head -n 1 link
mv numbers moved && ls
sort -n -r moved | head -n 3
cut -c 1-2 moved | uniq | wc -l
rm -rf /tmp/*
ls /tmp | wc -l
