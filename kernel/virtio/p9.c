/*
 * p9.c - a client of 9P2000.L over virtio (virtio 1.0, 5.1 of its drafts; the protocol
 * as diod's protocol.md has it).
 *
 * A call is a message, its reply, and a tag, the call's index. NTALK of them are for
 * threads, which wait; NMOVE carry page lists, whose frames the device reads and writes
 * itself. A call that finds no descriptors waits in a list, a transfer that finds no
 * call in another; the interrupt that frees some goes on with them.
 *
 * A thread waits as long as io_patience() says, and then has EIO; its call is used again
 * when the device has given it back.
 * Locks: the queue's, over the lists.
 */
#include <abi.h>
#include <block.h>
#include <fs/p9.h>
#include <lib.h>
#include <machine.h>
#include <mm.h>
#include <sched.h>
#include <tome/kmem.h>
#include <virtio/virtio.h>

#define F_MOUNT_TAG 1u
#define SHARES 4u
#define NTALK 16u
#define NMOVE 32u
#define HALF (2 * TOME_PAGE_SIZE)	/* of a talk's memory: message, reply */
#define MSIZE (P9_PAGES * TOME_PAGE_SIZE + 64u)
#define NO_TAG 0xffff
#define NO_FID 0xffffffffu
#define HEAD 7u				/* size, type, tag */
#define GETATTR_BASIC 0x7ffu

enum {
	T_LERROR = 6, T_STATFS = 8, T_LOPEN = 12, T_LCREATE = 14,
	T_SYMLINK = 16, T_READLINK = 22, T_GETATTR = 24, T_SETATTR = 26,
	T_READDIR = 40, T_FSYNC = 50, T_LINK = 70, T_MKDIR = 72,
	T_RENAMEAT = 74, T_UNLINKAT = 76, T_VERSION = 100, T_ATTACH = 104,
	T_WALK = 110, T_READ = 116, T_WRITE = 118, T_CLUNK = 120,
};

struct call {
	struct call *next;		/* free, or waiting for descriptors */
	struct tome_io *io;		/* NULL: a thread's */
	uint8_t *message, *reply;
	tome_pa_t message_pa, reply_pa;
	uint32_t sent, room;
	uint16_t tag;
	_Atomic uint32_t done;
	unsigned holders;		/* its thread, the device; under the lock */
	/* What is being written to the message, or read from the reply. */
	uint8_t *at, *end;
	bool bad;
};

struct p9 {
	struct virtio device;
	struct virtqueue queue;
	char tag[32];
	_Atomic uint32_t last_fid;
	_Atomic uint32_t freed;		/* counts talks given back */
	/* Under the queue's lock. */
	struct call *talks, *moves;	/* free */
	struct call *first, *last;	/* waiting for descriptors */
	struct tome_io *io_first, *io_last;	/* waiting for a call */
	struct call calls[NTALK + NMOVE];
	struct call none;		/* when there is none to be had; all bad */
};

static struct p9 *shares[SHARES];
static unsigned nshares;

/* ---- moving calls; the queue is locked ---- */

/* Frames that follow each other are one segment. */
static unsigned
add_pages(struct vq_segment *s, unsigned n, const struct tome_io *io)
{
	unsigned first = n;

	for (unsigned i = 0; i < io->n; i++) {
		uint64_t pa = tome_pfn_pa(io->vec[i].pfn) + io->vec[i].offset;

		if (n > first && s[n - 1].pa + s[n - 1].len == pa)
			s[n - 1].len += io->vec[i].len;
		else
			s[n++] = (struct vq_segment){ pa, io->vec[i].len,
				io->op == TOME_IO_READ };
	}
	return n;
}

/* False: no room. */
static bool
offer(struct p9 *p, struct call *c)
{
	struct vq_segment s[P9_PAGES + 2];
	unsigned n = 0;

	s[n++] = (struct vq_segment){ c->message_pa, c->sent, false };
	if (c->io != NULL && c->io->op == TOME_IO_WRITE)
		n = add_pages(s, n, c->io);
	s[n++] = (struct vq_segment){ c->reply_pa, c->room, true };
	if (c->io != NULL && c->io->op == TOME_IO_READ)
		n = add_pages(s, n, c->io);
	return vq_offer(&p->queue, s, n, c);
}

static void
enqueue(struct p9 *p, struct call *c)
{
	c->next = NULL;
	if (p->first == NULL)
		p->first = c;
	else
		p->last->next = c;
	p->last = c;
}

static void transfer_message(struct call *, struct tome_io *);

/* Let go what can. */
static void
pump(struct p9 *p)
{
	bool any = false;
	struct call *c;

	while (p->io_first != NULL && (c = p->moves) != NULL) {
		struct tome_io *io = p->io_first;

		p->io_first = io->driver[0];
		p->moves = c->next;
		transfer_message(c, io);
		enqueue(p, c);
	}
	while (p->first != NULL && offer(p, p->first)) {
		p->first = p->first->next;
		any = true;
	}
	if (any)
		vq_kick(&p->queue);
}

/* ---- messages ---- */

static void
put(struct call *c, uint64_t v, unsigned bytes)
{
	if (c->end - c->at < (ptrdiff_t)bytes) {
		c->bad = true;
		return;
	}
	for (unsigned i = 0; i < bytes; i++)
		*c->at++ = (uint8_t)(v >> 8 * i);
}

static void
put_text(struct call *c, const char *text)
{
	size_t n = strlen(text);

	put(c, n, 2);
	if ((size_t)(c->end - c->at) < n) {
		c->bad = true;
		return;
	}
	memcpy(c->at, text, n);
	c->at += n;
}

static uint64_t
get(struct call *c, unsigned bytes)
{
	uint64_t v = 0;

	if (c->end - c->at < (ptrdiff_t)bytes) {
		c->bad = true;
		return 0;
	}
	for (unsigned i = 0; i < bytes; i++)
		v |= (uint64_t)*c->at++ << 8 * i;
	return v;
}

static void
get_text(struct call *c, char *buf, size_t size)
{
	size_t n = (size_t)get(c, 2);

	buf[0] = '\0';
	if ((size_t)(c->end - c->at) < n || n >= size) {
		c->bad = true;
		return;
	}
	memcpy(buf, c->at, n);
	buf[n] = '\0';
	c->at += n;
}

static void
get_qid(struct call *c, struct p9_qid *qid)
{
	qid->type = (uint8_t)get(c, 1);
	qid->version = (uint32_t)get(c, 4);
	qid->path = get(c, 8);
}

static uint64_t
get_time(struct call *c)
{
	uint64_t seconds = get(c, 8);

	return seconds * 1000000000u + get(c, 8);
}

static void
message_begin(struct call *c, unsigned type, uint32_t room)
{
	c->at = c->message;
	c->end = c->message + room;
	c->bad = false;
	put(c, 0, 4);
	put(c, type, 1);
	put(c, type == T_VERSION ? NO_TAG : c->tag, 2);
}

/* The length in front; `more`: bytes that follow from elsewhere. */
static void
message_end(struct call *c, uint32_t more)
{
	c->sent = (uint32_t)(c->at - c->message);
	c->at = c->message;
	put(c, c->sent + more, 4);
}

/* From a reply's head: 0, or what the server says is wrong. */
static int
reply_begin(struct call *c, uint32_t len)
{
	uint32_t size, type;

	c->at = c->reply;
	c->end = c->reply + (len < c->room ? len : c->room);
	c->bad = false;
	size = (uint32_t)get(c, 4);
	type = (uint32_t)get(c, 1);
	(void)get(c, 2);
	if (c->bad || size > len)
		return -EIO;
	if (type == T_LERROR + 1) {
		int err = (int)get(c, 4);

		return c->bad || err <= 0 ? -EIO : -err;
	}
	return type == c->message[4] + 1u ? 0 : -EIO;
}

/* ---- a thread's calls ---- */

static uint64_t
talk_deadline(void)
{
	uint64_t patience = io_patience();

	return patience == 0 ? TOME_FOREVER : clock_ns() + patience;
}

static struct call *
talk_take(struct p9 *p)
{
	uint64_t deadline = talk_deadline();
	struct call *c;
	uint32_t seen;
	uintptr_t irq;

	for (;;) {
		seen = atomic_load(&p->freed);
		irq = spin_lock_irq(&p->queue.lock);
		c = p->talks;
		if (c != NULL) {
			p->talks = c->next;
			c->holders = 1;
		}
		spin_unlock_irq(&p->queue.lock, irq);
		if (c != NULL)
			return c;
		if (clock_ns() >= deadline)
			return &p->none;
		(void)word_wait(&p->freed, seen, deadline, false);
	}
}

/* One of its holders is done with it. The queue is locked. */
static void
talk_leave(struct p9 *p, struct call *c)
{
	if (--c->holders > 0)
		return;
	c->next = p->talks;
	p->talks = c;
	atomic_fetch_add(&p->freed, 1);
	(void)word_wake(&p->freed, 1);
}

static void
talk_end(struct p9 *p, struct call *c)
{
	uintptr_t irq;

	if (c == &p->none)
		return;
	irq = spin_lock_irq(&p->queue.lock);
	talk_leave(p, c);
	spin_unlock_irq(&p->queue.lock, irq);
}

static struct call *
talk(struct p9 *p, unsigned type)
{
	struct call *c = talk_take(p);

	if (c != &p->none)
		message_begin(c, type, HALF);
	return c;
}

/* The fid that nearly every message begins with. */
static struct call *
talk_of(struct p9 *p, unsigned type, uint32_t fid)
{
	struct call *c = talk(p, type);

	put(c, fid, 4);
	return c;
}

/* Send it and wait. The reply can be read, whatever the result. */
static int
talk_send(struct p9 *p, struct call *c)
{
	uint64_t deadline;
	uintptr_t irq;

	if (c == &p->none)
		return -EIO;
	if (c->bad)
		return -ENAMETOOLONG;
	deadline = talk_deadline();
	message_end(c, 0);
	c->room = HALF;
	atomic_store(&c->done, 0);
	irq = spin_lock_irq(&p->queue.lock);
	c->holders++;
	enqueue(p, c);
	pump(p);
	spin_unlock_irq(&p->queue.lock, irq);
	while (atomic_load(&c->done) == 0) {
		if (clock_ns() >= deadline)
			return -EIO;
		(void)word_wait(&c->done, 0, deadline, false);
	}
	return reply_begin(c, atomic_load(&c->done));
}

/* When the reply is of no interest, or was read well. */
static int
talk_finish(struct p9 *p, struct call *c, int err)
{
	if (err == 0 && c->bad)
		err = -EIO;
	talk_end(p, c);
	return err;
}

static int
talk_simply(struct p9 *p, struct call *c)
{
	return talk_finish(p, c, talk_send(p, c));
}

/* ---- transfers ---- */

static uint32_t
io_bytes(const struct tome_io *io)
{
	uint32_t n = 0;

	for (unsigned i = 0; i < io->n; i++)
		n += io->vec[i].len;
	return n;
}

static void
transfer_message(struct call *c, struct tome_io *io)
{
	bool read = io->op == TOME_IO_READ;
	uint32_t n = io_bytes(io);

	c->io = io;
	message_begin(c, read ? T_READ : T_WRITE, 64);
	put(c, (uintptr_t)io->driver[1], 4);
	put(c, io->at, 8);
	put(c, n, 4);
	message_end(c, read ? 0 : n);
	c->room = HEAD + 4;
}

void
p9_transfer(struct p9 *p, uint32_t fid, struct tome_io *io)
{
	uintptr_t irq;

	if (io->n > P9_PAGES) {
		tome_io_done(io, TOME_EIO);
		return;
	}
	mm_transfer(io, io_bytes(io));
	io->driver[0] = NULL;
	io->driver[1] = (void *)(uintptr_t)fid;
	irq = spin_lock_irq(&p->queue.lock);
	if (p->io_first == NULL)
		p->io_first = io;
	else
		p->io_last->driver[0] = io;
	p->io_last = io;
	pump(p);
	spin_unlock_irq(&p->queue.lock, irq);
}

/* What lies beyond the end of the file reads as zero. */
static void
zero_rest(const struct tome_io *io, uint32_t from)
{
	for (unsigned i = 0; i < io->n; i++) {
		const struct tome_io_vec *v = &io->vec[i];
		uint32_t keep = from < v->len ? from : v->len;
		char *page = tome_frame_window(the_vm, v->pfn);

		memset(page + v->offset + keep, 0, v->len - keep);
		tome_frame_window_end(the_vm, v->pfn, page);
		from -= keep;
	}
}

static enum tome_err
transfer_result(struct call *c, uint32_t len)
{
	uint32_t n = io_bytes(c->io), done;
	int err;

	/* The pages follow the head of a read's reply. */
	c->room = HEAD + 4;
	err = reply_begin(c, len);
	if (err != 0)
		return err == -ENOSPC ? TOME_ENOSPC : TOME_EIO;
	done = (uint32_t)get(c, 4);
	if (c->bad || done > n || (done < n && c->io->op == TOME_IO_WRITE))
		return TOME_EIO;
	if (done < n)
		zero_rest(c->io, done);
	return TOME_OK;
}

/* Interrupts are off. */
static void
p9_interrupt(void *arg)
{
	struct tome_io *io, *done = NULL;
	struct p9 *p = arg;
	struct call *c;
	uint32_t len;

	spin_lock(&p->queue.lock);
	while ((c = vq_take(&p->queue, &len)) != NULL) {
		io = c->io;
		if (io == NULL) {
			/* A reply is never empty: 1 says that it came. */
			atomic_store(&c->done, len > 0 ? len : 1);
			(void)word_wake(&c->done, 1);
			talk_leave(p, c);
			continue;
		}
		io->driver[2] = (void *)(uintptr_t)transfer_result(c, len);
		io->driver[0] = done;
		done = io;
		c->next = p->moves;
		p->moves = c;
	}
	pump(p);
	spin_unlock(&p->queue.lock);
	while ((io = done) != NULL) {
		done = io->driver[0];
		tome_io_done(io, (enum tome_err)(uintptr_t)io->driver[2]);
	}
}

/* ---- the protocol's calls ---- */

uint32_t
p9_fid(struct p9 *p)
{
	return atomic_fetch_add(&p->last_fid, 1) + 1;
}

int
p9_attach(struct p9 *p, uint32_t fid, struct p9_qid *qid)
{
	struct call *c = talk_of(p, T_ATTACH, fid);
	int err;

	put(c, NO_FID, 4);
	put_text(c, "root");
	put_text(c, "");
	put(c, 0, 4);
	err = talk_send(p, c);
	if (err == 0)
		get_qid(c, qid);
	return talk_finish(p, c, err);
}

int
p9_walk(struct p9 *p, uint32_t fid, uint32_t to, const char *name,
    struct p9_qid *qid)
{
	struct call *c = talk_of(p, T_WALK, fid);
	unsigned want = name != NULL ? 1 : 0;
	int err;

	put(c, to, 4);
	put(c, want, 2);
	if (name != NULL)
		put_text(c, name);
	err = talk_send(p, c);
	if (err == 0 && get(c, 2) != want)
		err = -ENOENT;
	if (err == 0 && want)
		get_qid(c, qid);
	return talk_finish(p, c, err);
}

void
p9_clunk(struct p9 *p, uint32_t fid)
{
	(void)talk_simply(p, talk_of(p, T_CLUNK, fid));
}

int
p9_getattr(struct p9 *p, uint32_t fid, struct p9_attr *a)
{
	struct call *c = talk_of(p, T_GETATTR, fid);
	int err;

	put(c, GETATTR_BASIC, 8);
	err = talk_send(p, c);
	if (err == 0) {
		(void)get(c, 8);
		get_qid(c, &a->qid);
		a->mode = (uint32_t)get(c, 4);
		a->uid = (uint32_t)get(c, 4);
		a->gid = (uint32_t)get(c, 4);
		a->nlink = get(c, 8);
		a->rdev = get(c, 8);
		a->size = get(c, 8);
		a->blksize = get(c, 8);
		a->blocks = get(c, 8);
		a->atime = get_time(c);
		a->mtime = get_time(c);
		a->ctime = get_time(c);
	}
	return talk_finish(p, c, err);
}

static void
put_time(struct call *c, uint64_t ns)
{
	put(c, ns / 1000000000u, 8);
	put(c, ns % 1000000000u, 8);
}

int
p9_setattr(struct p9 *p, uint32_t fid, unsigned what,
    const struct p9_attr *a)
{
	struct call *c = talk_of(p, T_SETATTR, fid);

	put(c, what, 4);
	put(c, a->mode & 07777, 4);
	put(c, a->uid, 4);
	put(c, a->gid, 4);
	put(c, a->size, 8);
	put_time(c, a->atime);
	put_time(c, a->mtime);
	return talk_simply(p, c);
}

int
p9_open(struct p9 *p, uint32_t fid, uint32_t flags)
{
	struct call *c = talk_of(p, T_LOPEN, fid);

	put(c, flags, 4);
	return talk_simply(p, c);
}

int
p9_readlink(struct p9 *p, uint32_t fid, char *buf, size_t size)
{
	struct call *c = talk_of(p, T_READLINK, fid);
	int err = talk_send(p, c);

	if (err == 0)
		get_text(c, buf, size);
	return talk_finish(p, c, err);
}

int
p9_readdir(struct p9 *p, uint32_t fid, uint64_t at,
    bool (*fn)(void *, const struct p9_entry *), void *arg)
{
	struct call *c = talk_of(p, T_READDIR, fid);
	struct p9_entry e;
	int err, n = 0;

	put(c, at, 8);
	put(c, HALF - HEAD - 4, 4);
	err = talk_send(p, c);
	if (err == 0)
		(void)get(c, 4);
	while (err == 0 && !c->bad && c->at < c->end) {
		get_qid(c, &e.qid);
		e.next = get(c, 8);
		e.type = (uint8_t)get(c, 1);
		get_text(c, e.name, sizeof e.name);
		if (c->bad)
			break;
		n++;
		if (!fn(arg, &e))
			break;
	}
	err = talk_finish(p, c, err);
	return err != 0 ? err : n;
}

int
p9_statfs(struct p9 *p, uint32_t fid, struct p9_statfs *s)
{
	struct call *c = talk_of(p, T_STATFS, fid);
	int err = talk_send(p, c);

	if (err == 0) {
		s->type = (uint32_t)get(c, 4);
		s->bsize = (uint32_t)get(c, 4);
		s->blocks = get(c, 8);
		s->bfree = get(c, 8);
		s->bavail = get(c, 8);
		s->files = get(c, 8);
		s->ffree = get(c, 8);
		s->fsid = get(c, 8);
		s->namelen = (uint32_t)get(c, 4);
	}
	return talk_finish(p, c, err);
}

int
p9_fsync(struct p9 *p, uint32_t fid)
{
	struct call *c = talk_of(p, T_FSYNC, fid);

	put(c, 0, 4);
	return talk_simply(p, c);
}

/* The directory's fid becomes the open file's, so it is a copy. */
int
p9_create(struct p9 *p, uint32_t dir, const char *name, uint32_t mode)
{
	uint32_t copy = p9_fid(p);
	struct call *c;
	int err = p9_walk(p, dir, copy, NULL, NULL);

	if (err != 0)
		return err;
	c = talk_of(p, T_LCREATE, copy);
	put_text(c, name);
	put(c, 0302, 4);			/* RDWR CREAT EXCL */
	put(c, mode & 07777, 4);
	put(c, 0, 4);
	err = talk_simply(p, c);
	p9_clunk(p, copy);
	return err;
}

int
p9_mkdir(struct p9 *p, uint32_t dir, const char *name, uint32_t mode)
{
	struct call *c = talk_of(p, T_MKDIR, dir);

	put_text(c, name);
	put(c, mode & 07777, 4);
	put(c, 0, 4);
	return talk_simply(p, c);
}

int
p9_symlink(struct p9 *p, uint32_t dir, const char *name, const char *target)
{
	struct call *c = talk_of(p, T_SYMLINK, dir);

	put_text(c, name);
	put_text(c, target);
	put(c, 0, 4);
	return talk_simply(p, c);
}

int
p9_link(struct p9 *p, uint32_t dir, uint32_t fid, const char *name)
{
	struct call *c = talk_of(p, T_LINK, dir);

	put(c, fid, 4);
	put_text(c, name);
	return talk_simply(p, c);
}

int
p9_unlink(struct p9 *p, uint32_t dir, const char *name, bool directory)
{
	struct call *c = talk_of(p, T_UNLINKAT, dir);

	put_text(c, name);
	put(c, directory ? 0x200 : 0, 4);
	return talk_simply(p, c);
}

int
p9_rename(struct p9 *p, uint32_t from, const char *name, uint32_t to,
    const char *as)
{
	struct call *c = talk_of(p, T_RENAMEAT, from);

	put_text(c, name);
	put(c, to, 4);
	put_text(c, as);
	return talk_simply(p, c);
}

/* ---- bring-up ---- */

static bool
version(struct p9 *p)
{
	struct call *c = talk(p, T_VERSION);
	char text[16] = "";
	uint32_t msize = 0;
	int err;

	put(c, MSIZE, 4);
	put_text(c, "9P2000.L");
	err = talk_send(p, c);
	if (err == 0) {
		msize = (uint32_t)get(c, 4);
		get_text(c, text, sizeof text);
	}
	err = talk_finish(p, c, err);
	return err == 0 && msize == MSIZE && strcmp(text, "9P2000.L") == 0;
}

static bool
talk_alloc(struct p9 *p, struct call *c)
{
	tome_pfn_t pfn;

	if (tome_frames_alloc(the_vm, TOME_PAGE_KERNEL, 2, 0, 0,
	    TOME_FRAME_DIRECT, &pfn) != TOME_OK)
		return false;
	c->message = tome_frame_va(the_vm, pfn);
	c->message_pa = tome_pfn_pa(pfn);
	c->reply = c->message + HALF;
	c->reply_pa = c->message_pa + HALF;
	c->next = p->talks;
	p->talks = c;
	return true;
}

/* Their heads lie in one frame. */
static bool
moves_alloc(struct p9 *p)
{
	tome_pfn_t pfn;

	if (tome_frame_alloc(the_vm, TOME_PAGE_KERNEL, TOME_FRAME_DIRECT,
	    &pfn) != TOME_OK)
		return false;
	for (unsigned n = 0; n < NMOVE; n++) {
		struct call *c = &p->calls[NTALK + n];

		c->message = (uint8_t *)tome_frame_va(the_vm, pfn) + n * 128;
		c->message_pa = tome_pfn_pa(pfn) + n * 128;
		c->reply = c->message + 64;
		c->reply_pa = c->message_pa + 64;
		c->next = p->moves;
		p->moves = c;
	}
	return true;
}

static bool
calls_alloc(struct p9 *p)
{
	for (unsigned n = 0; n < NTALK + NMOVE; n++)
		p->calls[n].tag = (uint16_t)n;
	for (unsigned n = 0; n < NTALK; n++)
		if (!talk_alloc(p, &p->calls[n]))
			return false;
	return moves_alloc(p);
}

static void
read_tag(struct p9 *p)
{
	volatile uint8_t *config = p->device.config;
	size_t n = config[0] | (size_t)config[1] << 8;

	for (size_t i = 0; i < n && i < sizeof p->tag - 1; i++)
		p->tag[i] = (char)config[2 + i];
}

void
p9_start(const struct virtio_at *at)
{
	struct p9 *p;

	if (nshares == SHARES)
		return;
	p = tome_kzalloc(the_vm, sizeof *p);
	if (p == NULL)
		return;
	if (!virtio_begin(&p->device, at, F_MOUNT_TAG) ||
	    p->device.config == NULL || !calls_alloc(p) ||
	    !virtio_queue(&p->device, &p->queue, 0, p9_interrupt, p)) {
		kprintf("virtio: a share that cannot be driven\n");
		return;
	}
	read_tag(p);
	virtio_ready(&p->device);
	if (!version(p)) {
		kprintf("9p: %s speaks another protocol\n", p->tag);
		return;
	}
	shares[nshares++] = p;
}

struct p9 *
p9_find(const char *tag)
{
	for (unsigned n = 0; n < nshares; n++)
		if (strcmp(shares[n]->tag, tag) == 0)
			return shares[n];
	return NULL;
}
