# Calls that few programs make: System V's semaphores and messages, sets of files in sets.
cat >/tmp/t.py <<'EOT'
import ctypes, errno, os, select, signal, struct, time
libc = ctypes.CDLL(None, use_errno=True)
CREAT, EXCL, NOWAIT, UNDO = 0o1000, 0o2000, 0o4000, 0o10000
RMID, GETPID, GETVAL, GETALL, GETNCNT, SETVAL, SETALL = 0, 11, 12, 13, 14, 16, 17

def tell(what, result):
    print(what, result if result >= 0 else errno.errorcode[ctypes.get_errno()])

def semop(s, *ops, timeout=None):
    packed = b"".join(struct.pack("Hhh", *op) for op in ops)
    if timeout is None:
        return libc.semop(s, packed, len(ops))
    return libc.semtimedop(s, packed, len(ops), struct.pack("qq", 0, timeout))

s = libc.semget(77, 3, CREAT | EXCL | 0o600)
tell("again", libc.semget(77, 3, CREAT | EXCL | 0o600))
tell("larger", libc.semget(77, 4, 0))
tell("absent", libc.semget(78, 1, 0))
tell("set", libc.semctl(s, 0, SETVAL, 2))
tell("take", semop(s, (0, -2, 0)))
tell("not now", semop(s, (0, -1, NOWAIT)))
tell("both or none", semop(s, (1, 5, 0), (0, -1, NOWAIT)))
tell("none", libc.semctl(s, 1, GETVAL))
tell("in time", semop(s, (0, -1, 0), timeout=20000000))
tell("too many", semop(s, (2, 32767, 0), (2, 1, 0)))
tell("no such", semop(s, (3, 1, 0)))
child = os.fork()
if child == 0:
    semop(s, (0, -1, 0))
    semop(s, (1, 4, UNDO), (2, 1, 0))
    semop(s, (0, -1, 0))
    os._exit(0)
while libc.semctl(s, 0, GETNCNT) != 1:
    time.sleep(0.01)
semop(s, (0, 1, 0))
semop(s, (2, -1, 0))
tell("lent", libc.semctl(s, 1, GETVAL))
tell("by the child", int(libc.semctl(s, 1, GETPID) == child))
semop(s, (0, 1, 0))
os.waitpid(child, 0)
tell("undone", libc.semctl(s, 1, GETVAL))
values = (ctypes.c_uint16 * 3)(7, 8, 9)
tell("set all", libc.semctl(s, 0, SETALL, values))
got = (ctypes.c_uint16 * 3)()
libc.semctl(s, 0, GETALL, got)
print(list(got))
signal.signal(signal.SIGALRM, lambda *a: None)
signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
tell("interrupted", semop(s, (0, -100, 0)))
signal.setitimer(signal.ITIMER_REAL, 0)
child = os.fork()
if child == 0:
    semop(s, (0, -100, 0))
    os._exit(ctypes.get_errno())
while libc.semctl(s, 0, GETNCNT) != 1:
    time.sleep(0.01)
tell("remove", libc.semctl(s, 0, RMID))
print("removed", errno.errorcode[os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])])
tell("gone", semop(s, (0, 1, 0)))

q = libc.msgget(0, 0o600)
def send(kind, text, flags=NOWAIT):
    return libc.msgsnd(q, struct.pack("q", kind) + text, len(text), flags)
def receive(n, kind, flags=NOWAIT):
    buf = ctypes.create_string_buffer(8 + n)
    left = libc.msgrcv(q, buf, n, ctypes.c_long(kind), flags)
    if left < 0:
        print(errno.errorcode[ctypes.get_errno()])
    else:
        print(struct.unpack("q", buf[:8])[0], buf[8:8 + left])
tell("send", send(3, b"three"))
tell("send", send(1, b"one"))
tell("send", send(2, b"two"))
tell("send", send(3, b"again"))
tell("no type", send(0, b""))
receive(10, 2)
receive(10, -3)
receive(3, 3)
receive(3, 3, NOWAIT | 0o10000)
receive(10, 9)
receive(10, 0)
receive(10, 0)
tell("full", [r for r in (send(1, bytes(8192)) for i in range(3)) if r < 0][0])
receive(0, 0, 0o10000)
if os.fork() == 0:
    time.sleep(0.05)
    send(5, b"late")
    os._exit(0)
receive(10, 5, 0)
os.wait()
tell("remove", libc.msgctl(q, RMID, None))
tell("gone", send(1, b""))

outer, middle, inner = select.epoll(), select.epoll(), select.epoll()
r, w = os.pipe()
inner.register(r, select.EPOLLIN)
middle.register(inner.fileno(), select.EPOLLIN)
outer.register(middle.fileno(), select.EPOLLIN)
print(outer.poll(0.01))
os.write(w, b"x")
print([(f == middle.fileno(), e) for f, e in outer.poll(1)], len(select.select([outer], [], [], 0)[0]))
for a, b in ((inner, outer), (inner, inner)):
    try:
        a.register(b.fileno(), select.EPOLLIN)
    except OSError as e:
        print(errno.errorcode[e.errno])
os.read(r, 1)
print(outer.poll(0.01))
inner.close()
os.write(w, b"x")
print(outer.poll(0.01))
EOT
python3 -u /tmp/t.py
