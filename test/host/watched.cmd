# inotify: what happens in a directory and to a file in it; tail follows a file by it.
cat >/tmp/t.py <<'EOT'
import ctypes, os, select, struct
libc = ctypes.CDLL(None, use_errno=True)
os.mkdir("/tmp/d")
n = libc.inotify_init1(os.O_NONBLOCK)
told = select.epoll()
told.register(n, select.EPOLLIN)
print(libc.inotify_add_watch(n, b"/tmp/d", 0xffb), libc.inotify_add_watch(n, b"/nowhere", 1))
def events(what):
    print(what, len(told.poll(0)))
    try:
        data = os.read(n, 65536)
    except BlockingIOError:
        return
    cookies = []
    while data:
        watch, mask, cookie, size = struct.unpack("iIII", data[:16])
        if cookie and cookie not in cookies:
            cookies.append(cookie)
        print("  ", watch, hex(mask), cookies.index(cookie) if cookie else "-",
            data[16:16 + size].rstrip(b"\0").decode())
        data = data[16 + size:]
with open("/tmp/d/a", "w") as f:
    f.write("text")
events("made")
print(libc.inotify_add_watch(n, b"/tmp/d/a", 0xfff & ~1))
os.chmod("/tmp/d/a", 0o600)
os.rename("/tmp/d/a", "/tmp/d/b")
os.rename("/tmp/d/b", "/tmp/c")
events("moved")
os.mkdir("/tmp/d/e")
os.rmdir("/tmp/d/e")
events("directory")
os.close(os.open("/tmp/c", os.O_RDONLY))
os.unlink("/tmp/c")
events("unlinked")
print(libc.inotify_rm_watch(n, 1), libc.inotify_rm_watch(n, 1))
events("removed")
events("nothing")
EOT
python3 -u /tmp/t.py
cd /tmp
echo first >log
timeout 1000 tail -f log >out &
until grep -q first out; do sleep 0.1; done
echo second >>log
until grep -q second out; do sleep 0.1; done
kill $!
cat out
