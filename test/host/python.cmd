# python3: mappings, processes, sockets, event loops.
cat >/tmp/t.py <<'END'
import asyncio, mmap, multiprocessing, os, select, socket, sqlite3, subprocess
from multiprocessing import shared_memory

def square(x):
    return x * x

async def serve(reader, writer):
    writer.write((await reader.readline()).upper())
    await writer.drain()
    writer.close()

async def ask():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(
        *server.sockets[0].getsockname())
    writer.write(b"shout\n")
    print(await reader.readline())

if __name__ == "__main__":
    m = mmap.mmap(-1, 1 << 20)
    m[0:5] = b"hello"
    m.resize(2 << 20)
    print(m[0:5], len(m))
    with multiprocessing.Pool(3) as pool:
        print(sum(pool.map(square, range(1000))))
    a = shared_memory.SharedMemory(create=True, size=1 << 20)
    a.buf[:4] = b"both"
    b = shared_memory.SharedMemory(a.name)
    print(bytes(b.buf[:4]))
    b.close()
    a.close()
    a.unlink()
    asyncio.run(ask())
    left, right = socket.socketpair()
    reader, writer = os.pipe()
    os.write(writer, b"through a socket")
    socket.send_fds(left, [b"x"], [reader])
    _, fds, _, _ = socket.recv_fds(right, 1, 1)
    print(os.read(fds[0], 99))
    print(subprocess.run(["sort"], input=b"b\na\n",
                         capture_output=True).stdout)
    db = sqlite3.connect("/tmp/t.db")
    db.execute("pragma mmap_size = 100000000")
    db.execute("pragma journal_mode = wal")
    db.execute("create table t(a, b)")
    db.executemany("insert into t values(?, ?)",
                   ((i, str(i) * 10) for i in range(5000)))
    db.commit()
    print(db.execute("select sum(a), count(*) from t").fetchone())
    print(db.execute("pragma integrity_check").fetchone())
END
python3 /tmp/t.py
