/*
 * pipe.c - pipes and FIFOs: a ring of pages, made as they fill and freed as
 * they drain.
 *
 * Invariant: page[i] exists while some byte of [tail, head) lies in it. A page
 *   goes when its last byte is read; one that a failed copy left empty stays
 *   for the next write, or the end.
 * Locks: pipe->lock for all but the counts, which poll reads without. Copying
 *   to and from user memory happens under it; it is a sleeping lock.
 * Sleeping: readers on `fed`, writers on `drained`, openers of a FIFO on
 *   either; each is a count of events, raised under the lock before the wake.
 */
#include <fs/vfs.h>
#include <lib.h>
#include <machine.h>
#include <oom.h>
#include <process.h>

#define DEFAULT_PAGES 16u
#define MAX_PAGES 256u

struct pipe {
	struct mutex lock;
	_Atomic uint64_t head, tail;	/* bytes ever written and read */
	_Atomic uint32_t readers, writers;
	_Atomic uint32_t fed, drained;
	uint32_t readers_ever, writers_ever;
	unsigned npages;		/* power of two */
	char **page;
};

static int64_t pipe_read(struct file *, struct ubuf, size_t, uint64_t *);
static int64_t pipe_write(struct file *, struct ubuf, size_t, uint64_t *);
static int64_t pipe_ioctl(struct file *, unsigned, uint64_t);
static unsigned pipe_poll(struct file *);
static uint32_t pipe_event(struct file *);
static void pipe_release(struct file *);
static void pipe_inode_destroy(struct inode *);

static const struct file_ops pipe_ops = {
	.name = "pipe", .read = pipe_read, .write = pipe_write,
	.ioctl = pipe_ioctl, .poll = pipe_poll, .event = pipe_event,
	.release = pipe_release,
};
static const struct inode_ops pipe_inode_ops = {
	.file = &pipe_ops, .open = fifo_open, .destroy = pipe_inode_destroy,
};
static const struct filesystem pipefs = {
	.name = "pipefs", .magic = 0x50495045, .dev = 4,
};

static struct pipe *
pipe_create(void)
{
	struct pipe *p = tome_kzalloc(the_vm, sizeof *p);

	if (p == NULL)
		return NULL;
	p->npages = DEFAULT_PAGES;
	p->page = tome_kzalloc(the_vm, DEFAULT_PAGES * sizeof *p->page);
	if (p->page == NULL) {
		tome_kfree(the_vm, p);
		return NULL;
	}
	return p;
}

static void
drop_pages(struct pipe *p)
{
	for (unsigned i = 0; i < p->npages; i++) {
		tome_kfree(the_vm, p->page[i]);
		p->page[i] = NULL;
	}
}

void
pipe_destroy(struct pipe *p)
{
	if (p == NULL)
		return;
	drop_pages(p);
	tome_kfree(the_vm, p->page);
	tome_kfree(the_vm, p);
}

static void
pipe_inode_destroy(struct inode *i)
{
	pipe_destroy(i->pipe);
}

static void
event(_Atomic uint32_t *word)
{
	atomic_fetch_add(word, 1);
	word_wake(word, UINT32_MAX);
	poll_notify();
}

/* Sleep for an event, without the lock. */
static int
await(struct pipe *p, _Atomic uint32_t *word)
{
	uint32_t seen = *word;
	enum wake_reason why;

	mutex_unlock(&p->lock);
	why = word_wait(word, seen, TOME_FOREVER, true);
	mutex_lock(&p->lock);
	return why == WAKE_INTERRUPTED ? -ERESTART : 0;
}

static void
attach(struct pipe *p, struct file *f)
{
	uint32_t mode = f->flags & O_ACCMODE;

	if (mode != O_WRONLY) {
		p->readers++;
		p->readers_ever++;
	}
	if (mode != O_RDONLY) {
		p->writers++;
		p->writers_ever++;
	}
}

int
pipe_new(struct file *ends[2], uint32_t flags)
{
	struct inode *i = inode_new(&pipefs, &pipe_inode_ops, S_IFIFO | 0600);

	if (i == NULL)
		return -ENOMEM;
	i->pipe = pipe_create();
	ends[0] = i->pipe == NULL ? NULL :
	    file_new(&pipe_ops, i, NULL, O_RDONLY | flags);
	ends[1] = ends[0] == NULL ? NULL :
	    file_new(&pipe_ops, i, NULL, O_WRONLY | flags);
	if (ends[0] != NULL)
		attach(i->pipe, ends[0]);
	if (ends[1] != NULL)
		attach(i->pipe, ends[1]);
	else
		file_unref(ends[0]);
	inode_unref(i);
	return ends[1] == NULL ? -ENOMEM : 0;
}

static int
fifo_pipe(struct inode *i)
{
	mutex_lock(&i->lock);
	if (i->pipe == NULL)
		i->pipe = pipe_create();
	mutex_unlock(&i->lock);
	return i->pipe == NULL ? -ENOMEM : 0;
}

/* The other side must have opened, at least once since. */
static int
await_peer(struct pipe *p, _Atomic uint32_t *count, uint32_t *ever,
    _Atomic uint32_t *word)
{
	uint32_t before = *ever;
	int err = 0;

	while (err == 0 && *count == 0 && *ever == before)
		err = await(p, word);
	return err;
}

int
fifo_open(struct inode *i, struct file *f)
{
	uint32_t mode = f->flags & O_ACCMODE;
	struct pipe *p;
	int err = fifo_pipe(i);

	if (err != 0)
		return err;
	p = i->pipe;
	mutex_lock(&p->lock);
	if (mode == O_WRONLY && (f->flags & O_NONBLOCK) && p->readers == 0 &&
	    i->fs != &pipefs) {
		mutex_unlock(&p->lock);
		return -ENXIO;
	}
	attach(p, f);
	f->ops = &pipe_ops;
	event(&p->fed);
	event(&p->drained);
	/* A pipe that is opened again, by /proc's name for it, waits not. */
	if (i->fs == &pipefs)
		err = 0;
	else if (mode == O_RDONLY && !(f->flags & O_NONBLOCK))
		err = await_peer(p, &p->writers, &p->writers_ever, &p->fed);
	else if (mode == O_WRONLY)
		err = await_peer(p, &p->readers, &p->readers_ever,
		    &p->drained);
	mutex_unlock(&p->lock);
	if (err != 0)
		pipe_release(f);
	return err;
}

static void
pipe_release(struct file *f)
{
	struct pipe *p = f->inode->pipe;
	uint32_t mode = f->flags & O_ACCMODE;

	mutex_lock(&p->lock);
	if (mode != O_WRONLY)
		p->readers--;
	if (mode != O_RDONLY)
		p->writers--;
	if (p->readers == 0 && p->writers == 0) {
		drop_pages(p);
		p->head = p->tail = 0;
	}
	event(&p->fed);
	event(&p->drained);
	mutex_unlock(&p->lock);
}

static char **
page_of(struct pipe *p, uint64_t at)
{
	return &p->page[(at / TOME_PAGE_SIZE) & (p->npages - 1)];
}

static size_t
share(uint64_t at, size_t n)
{
	size_t room = TOME_PAGE_SIZE - at % TOME_PAGE_SIZE;

	return n < room ? n : room;
}

/*
 * Whether the page that ends at, or holds, tail has no byte left: the head may
 * have come round into it.
 */
static bool
page_is_drained(const struct pipe *p, uint64_t tail)
{
	return tail == p->head || (tail % TOME_PAGE_SIZE == 0 &&
	    p->head - tail <= (p->npages - 1) * TOME_PAGE_SIZE);
}

/* Move what is there out. */
static int64_t
drain(struct pipe *p, struct ubuf to, size_t n)
{
	size_t done = 0, part;
	uint64_t tail = p->tail;
	char **page;
	int err = 0;

	if (n > p->head - tail)
		n = p->head - tail;
	while (done < n && err == 0) {
		part = share(tail, n - done);
		page = page_of(p, tail);
		err = ubuf_put(to, done, *page + tail % TOME_PAGE_SIZE, part);
		if (err != 0)
			break;
		done += part;
		tail += part;
		if (page_is_drained(p, tail)) {
			tome_kfree(the_vm, *page);
			*page = NULL;
		}
	}
	/* An empty pipe starts at a page again, so that no page stays. */
	if (tail == p->head) {
		p->head = 0;
		tail = 0;
	}
	p->tail = tail;
	return done > 0 ? (int64_t)done : err;
}

static int64_t
pipe_read(struct file *f, struct ubuf to, size_t n, uint64_t *pos)
{
	struct pipe *p = f->inode->pipe;
	int64_t done = 0;

	(void)pos;
	if (n == 0)
		return 0;
	mutex_lock(&p->lock);
	while (p->head == p->tail && p->writers > 0 && done == 0)
		done = (f->flags & O_NONBLOCK) ? -EAGAIN : await(p, &p->fed);
	if (done == 0 && p->head != p->tail)
		done = drain(p, to, n);
	if (done > 0)
		event(&p->drained);
	mutex_unlock(&p->lock);
	return done;
}

static size_t
room(const struct pipe *p)
{
	return p->npages * TOME_PAGE_SIZE - (p->head - p->tail);
}

/* A page for what is written at `at`. */
static int
page_make(struct pipe *p, uint64_t at)
{
	char **page = page_of(p, at);

	while (*page == NULL) {
		*page = tome_kmalloc(the_vm, TOME_PAGE_SIZE);
		if (*page == NULL && !oom_make_room())
			return -ENOMEM;
	}
	return 0;
}

/* Move what has room in. What is written at once, up to PIPE_BUF, has its pages
 * beforehand. */
static int64_t
feed(struct pipe *p, struct ubuf from, uint64_t off, size_t n)
{
	size_t done = 0, part;
	int err = 0;

	if (n > room(p))
		n = room(p);
	if (n > 0 && n <= PIPE_BUF && page_make(p, p->head + n - 1) != 0)
		return -ENOMEM;
	while (done < n) {
		part = share(p->head, n - done);
		err = page_make(p, p->head);
		if (err == 0)
			err = ubuf_get(from, off + done, *page_of(p, p->head) +
			    p->head % TOME_PAGE_SIZE, part);
		if (err != 0)
			break;
		done += part;
		p->head += part;
	}
	return done > 0 ? (int64_t)done : err;
}

static int64_t
broken(void)
{
	uintptr_t irq = spin_lock_irq(&proc_lock);

	(void)signal_post_task(current_task(), SIGPIPE, NULL);
	spin_unlock_irq(&proc_lock, irq);
	return -EPIPE;
}

/* Wait until `need` bytes fit or nobody reads. */
static int
await_room(struct pipe *p, struct file *f, size_t need)
{
	int err = 0;

	while (err == 0 && p->readers > 0 && room(p) < need)
		err = (f->flags & O_NONBLOCK) ? -EAGAIN : await(p, &p->drained);
	return err;
}

bool
file_is_pipe(const struct file *f)
{
	return f->ops == &pipe_ops;
}

int
pipe_await_room(struct file *f, size_t n)
{
	struct pipe *p;
	int err;

	if (!file_is_pipe(f))
		return 0;
	p = f->inode->pipe;
	mutex_lock(&p->lock);
	err = await_room(p, f, n);
	mutex_unlock(&p->lock);
	return err;
}

static int64_t
pipe_write(struct file *f, struct ubuf from, size_t n, uint64_t *pos)
{
	struct pipe *p = f->inode->pipe;
	size_t done = 0, need = n <= PIPE_BUF ? n : 1;
	int64_t part = 0;

	(void)pos;
	if (n == 0)
		return 0;
	mutex_lock(&p->lock);
	while (done < n && part >= 0) {
		part = await_room(p, f, need);
		if (part == 0 && p->readers == 0)
			part = -EPIPE;
		if (part == 0)
			part = feed(p, from, done, n - done);
		if (part > 0) {
			done += (size_t)part;
			event(&p->fed);
		}
	}
	mutex_unlock(&p->lock);
	if (part == -EPIPE)
		part = broken();
	return done > 0 ? (int64_t)done : part;
}

static unsigned
pipe_poll(struct file *f)
{
	struct pipe *p = f->inode->pipe;
	uint32_t mode = f->flags & O_ACCMODE;
	unsigned ready = 0;

	if (mode != O_WRONLY) {
		if (p->head != p->tail)
			ready |= POLLIN | POLLRDNORM;
		if (p->writers == 0)
			ready |= POLLHUP;
	}
	if (mode != O_RDONLY) {
		if (room(p) >= PIPE_BUF)
			ready |= POLLOUT | POLLWRNORM;
		if (p->readers == 0)
			ready |= POLLERR;
	}
	return ready;
}

static uint32_t
pipe_event(struct file *f)
{
	const struct pipe *p = f->inode->pipe;

	return p->fed + p->drained;
}

static int64_t
pipe_ioctl(struct file *f, unsigned cmd, uint64_t arg)
{
	struct pipe *p = f->inode->pipe;
	int32_t n = (int32_t)(p->head - p->tail);

	return cmd == FIONREAD ? copy_out(arg, &n, sizeof n) : -ENOTTY;
}

/* fcntl's F_GETPIPE_SZ and F_SETPIPE_SZ (size != 0). */
int64_t
pipe_size(struct file *f, uint64_t size)
{
	struct pipe *p = f->inode->pipe;
	unsigned want = 1;
	char **page;
	int64_t result;

	if (f->ops != &pipe_ops)
		return -EBADF;
	if (size > MAX_PAGES * TOME_PAGE_SIZE)
		return size > INT32_MAX ? -EINVAL : -EPERM;
	while (want * TOME_PAGE_SIZE < size)
		want *= 2;
	mutex_lock(&p->lock);
	result = p->npages * (int64_t)TOME_PAGE_SIZE;
	if (size != 0 && want != p->npages) {
		/* Only an empty pipe is re-cut; a full one is busy. */
		page = p->head != p->tail ? NULL :
		    tome_kzalloc(the_vm, want * sizeof *page);
		if (page != NULL) {
			drop_pages(p);
			tome_kfree(the_vm, p->page);
			p->page = page;
			p->npages = want;
			result = want * (int64_t)TOME_PAGE_SIZE;
			event(&p->drained);
		} else if (want * TOME_PAGE_SIZE < p->head - p->tail ||
		    want > p->npages) {
			result = -EBUSY;
		}
	}
	mutex_unlock(&p->lock);
	return result;
}
