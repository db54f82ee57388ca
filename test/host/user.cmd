# root: open
# An ordinary user's programs: what may be read, written, run, entered and signalled.
cd /tmp
umask 022
export LC_ALL=C
mkdir home open shut drop
echo mine >home/file
echo secret >home/secret
echo '#!/bin/sh
echo ran as $(id -u)' >home/run
cp home/run home/norun
chmod 600 home/secret
chmod 755 home/run
chown -R 1000:1000 home
chown 0:0 home/secret
chmod 711 open
echo inside >open/known
chmod 700 shut
echo inside >shut/known
chmod 1777 drop
echo root >drop/roots
echo group >home/group
chown 0:1234 home/group
chmod 640 home/group
sleep 1000 &
export keeper=$!
cat >as_user <<'EOT'
id -u; id -g; id -G
cat home/file && echo more >>home/file && wc -l <home/file
cat home/secret
echo x >home/secret
./home/run; ./home/norun
ls open; cat open/known
ls shut; cat shut/known
echo x >drop/own && rm drop/own && echo own removed
rm -f drop/roots
rm -f home/secret && echo removed from an own directory
mv drop/roots drop/other
mkdir shut/new; mkdir open/new; mkdir home/new && rmdir home/new && echo made
chmod 777 open; chown 1000 open
chmod 700 home/file && stat -c '%a %u' home/file
chown 0 home/file
kill $keeper; kill -0 $keeper
cat home/group
echo $$ >/proc/1/oom_score_adj
hostname elsewhere
chroot / true
swapoff /dev/vda
ulimit -n 1000000
nice -n -5 true
head -c 3 /dev/zero | tr '\0' z; echo
head -c 0 /etc/shadow
test -w /dev/null && echo null
EOT
setpriv --reuid 1000 --regid 1000 --clear-groups sh as_user 2>&1
echo --
setpriv --reuid 1000 --regid 1000 --groups 1234 cat home/group
setpriv --reuid 1000 --regid 1000 --clear-groups python3 -c '
import ctypes, mmap, os, resource
from multiprocessing import Pool, shared_memory
def denied(what, call):
    try:
        call()
        print(what, "allowed")
    except OSError as e:
        print(what, e.strerror)
denied("setuid", lambda: os.setuid(0))
denied("setgroups", lambda: os.setgroups([0]))
denied("setreuid", lambda: os.setreuid(1001, 1001))
os.seteuid(1000)
denied("open", lambda: os.open("/tmp/shut/known", os.O_RDONLY))
denied("O_CREAT", lambda: os.open("/tmp/open/new", os.O_CREAT | os.O_WRONLY))
denied("truncate", lambda: os.truncate("/tmp/open/known", 0))
denied("utime", lambda: os.utime("/tmp/open/known", (0, 0)))
denied("link", lambda: os.rename("/tmp/open/known", "/tmp/home/x"))
denied("hard limit", lambda: resource.setrlimit(resource.RLIMIT_CORE,
    (resource.RLIM_INFINITY,) * 2) if resource.getrlimit(
    resource.RLIMIT_CORE)[1] != resource.RLIM_INFINITY else os.setuid(0))
print(os.access("/tmp/open/known", os.W_OK), os.access("/tmp/home", os.W_OK))
libc = ctypes.CDLL(None, use_errno=True)
resource.setrlimit(resource.RLIMIT_MEMLOCK, (65536, 65536))
m = mmap.mmap(-1, 1 << 20)
at = ctypes.addressof(ctypes.c_char.from_buffer(m))
print(libc.mlock(ctypes.c_void_p(at), 65536), libc.mlock(ctypes.c_void_p(at), 1 << 20),
    os.strerror(ctypes.get_errno()))
s = shared_memory.SharedMemory(create=True, size=4096)
print(oct(os.stat("/dev/shm/" + s.name.lstrip("/")).st_mode), os.stat("/dev/shm/" +
    s.name.lstrip("/")).st_uid)
s.close(); s.unlink()
'
chroot --userspec=1000:1000 / id -u
kill $keeper
