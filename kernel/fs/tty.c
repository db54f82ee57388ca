/*
 * tty.c - the console as a terminal: line discipline and job control.
 *
 * Invariant: tail <= ready <= head, and head - tail <= RING. Bytes of [tail,
 *   ready) can be read; those of [ready, head) are a line still being typed. In
 *   raw mode ready equals head.
 * Locks: tty->lock for the ring and modes; it is taken from interrupts.
 *   proc_lock for the groups. tty->writing orders writers. Signals are posted
 *   after the lock is dropped.
 */
#include <fs/tty.h>
#include <fs/vfs.h>
#include <lib.h>
#include <machine.h>
#include <personality.h>
#include <process.h>

#define RING 4096u
#define END_OF_FILE 0x100u	/* in the ring: a VEOF that ended a line */
#define CHUNK 256u

struct tty {
	struct mutex writing;
	struct spinlock lock;
	/* Under lock to write. */
	struct termios mode;
	struct winsize size;
	uint32_t head, ready, tail;
	uint16_t ring[RING];
	/*
	 * Under proc_lock to write: the foreground, and whose terminal it is.
	 */
	int pgid, sid;
	_Atomic uint32_t event;		/* readers sleep on it */
};

#define CTRL(c) ((c) & 31)

struct tty console_tty = {
	.mode = {
		.iflag = ICRNL | IXON, .oflag = OPOST | ONLCR,
		.cflag = 0xcbd,		/* 9600 baud, 8 bits, read on */
		.lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL |
		    ECHOKE | IEXTEN,
		.cc = {
			[VINTR] = CTRL('C'), [VQUIT] = CTRL('\\'),
			[VERASE] = 0x7f, [VKILL] = CTRL('U'),
			[VEOF] = CTRL('D'), [VMIN] = 1, [VSTART] = CTRL('Q'),
			[VSTOP] = CTRL('S'), [VSUSP] = CTRL('Z'),
			[VREPRINT] = CTRL('R'), [VDISCARD] = CTRL('O'),
			[VWERASE] = CTRL('W'), [VLNEXT] = CTRL('V'),
		},
	},
	.size = {.row = 24, .col = 80},
};

int
tty_foreground(struct tty *t)
{
	return t->pgid;
}

unsigned
tty_number(void)
{
	return 5 << 8 | 1;
}

/* ---- input: interrupt context, under the lock ---- */

static void
echo(struct tty *t, unsigned c)
{
	char text[2] = {'^', (char)(c ^ 0x40)};

	if (c == '\n') {
		if (t->mode.lflag & (ECHO | ECHONL))
			console_write("\r\n", 2);
	} else if (!(t->mode.lflag & ECHO)) {
		return;
	} else if ((c < 32 && c != '\t') || c == 0x7f) {
		if (t->mode.lflag & ECHOCTL)
			console_write(text, 2);
	} else {
		text[0] = (char)c;
		console_write(text, 1);
	}
}

static void
erase_one(struct tty *t)
{
	unsigned c = t->ring[--t->head % RING];
	bool wide = (c < 32 && c != '\t') || c == 0x7f;

	if ((t->mode.lflag & (ECHO | ECHOE)) != (ECHO | ECHOE))
		return;
	console_write("\b \b", 3);
	if (wide && (t->mode.lflag & ECHOCTL))
		console_write("\b \b", 3);
}

static void
erase_word(struct tty *t)
{
	while (t->head != t->ready && t->ring[(t->head - 1) % RING] == ' ')
		erase_one(t);
	while (t->head != t->ready && t->ring[(t->head - 1) % RING] != ' ')
		erase_one(t);
}

static bool
is(struct tty *t, unsigned which, unsigned c)
{
	return c != 0 && t->mode.cc[which] == c;
}

/* The signal that this byte asks for; 0: none. */
static int
signal_of(struct tty *t, unsigned c)
{
	if (!(t->mode.lflag & ISIG))
		return 0;
	return is(t, VINTR, c) ? SIGINT : is(t, VQUIT, c) ? SIGQUIT :
	    is(t, VSUSP, c) ? SIGTSTP : 0;
}

static void
store(struct tty *t, unsigned c)
{
	if (t->head - t->tail < RING - 1 ||
	    (t->head - t->tail < RING && c == '\n'))
		t->ring[t->head++ % RING] = (uint16_t)c;
}

/* Line editing. True: a line is complete. */
static bool
edit(struct tty *t, unsigned c)
{
	if (is(t, VERASE, c) || c == '\b') {
		if (t->head != t->ready)
			erase_one(t);
		return false;
	}
	if (is(t, VWERASE, c)) {
		erase_word(t);
		return false;
	}
	if (is(t, VKILL, c)) {
		while (t->head != t->ready)
			erase_one(t);
		return false;
	}
	if (is(t, VEOF, c)) {
		store(t, END_OF_FILE);
		return true;
	}
	echo(t, c);
	store(t, c);
	return c == '\n' || is(t, VEOL, c) || is(t, VEOL2, c);
}

static void
flush_input(struct tty *t)
{
	t->head = t->ready = t->tail;
}

/* What it was a signal for, or 0. */
static int
input(struct tty *t, unsigned c)
{
	uint32_t in = t->mode.iflag;
	int signo;

	if (in & ISTRIP)
		c &= 0x7f;
	if (c == '\r' && (in & IGNCR))
		return 0;
	if (c == '\r' && (in & ICRNL))
		c = '\n';
	else if (c == '\n' && (in & INLCR))
		c = '\r';
	signo = signal_of(t, c);
	if (signo != 0) {
		echo(t, c);
		if (!(t->mode.lflag & NOFLSH))
			flush_input(t);
		return signo;
	}
	if (!(t->mode.lflag & ICANON)) {
		echo(t, c);
		store(t, c);
		t->ready = t->head;
	} else if (edit(t, c)) {
		t->ready = t->head;
	}
	return 0;
}

void
tty_input(int byte)
{
	struct tty *t = &console_tty;
	uintptr_t irq = spin_lock_irq(&t->lock);
	int signo = input(t, (unsigned)byte & 0xff);
	int pgid = t->pgid;

	spin_unlock_irq(&t->lock, irq);
	if (signo != 0 && pgid != 0)
		signal_group(pgid, signo);
	atomic_fetch_add(&t->event, 1);
	word_wake(&t->event, UINT32_MAX);
	poll_notify();
}

/* ---- job control ---- */

static bool
signal_is_off(int signo)
{
	struct task *task = current_task();
	uintptr_t irq = spin_lock_irq(&proc_lock);
	bool off = (task->blocked & sigbit(signo)) ||
	    task->process->sighand->action[signo].handler == SIG_IGN;

	spin_unlock_irq(&proc_lock, irq);
	return off;
}

/*
 * A background process may not: it gets the signal, and the call is made again
 * when it is in front. 0: go ahead.
 */
static int
job_check(struct tty *t, int signo)
{
	struct process *p = current_process();

	if (p->tty != t || t->pgid == 0 || p->pgid == t->pgid)
		return 0;
	if (signal_is_off(signo))
		return signo == SIGTTIN ? -EIO : 0;
	if (group_is_orphaned(p->pgid))
		return -EIO;
	signal_group(p->pgid, signo);
	return -ERESTART;
}

void
tty_adopt(struct tty *t, struct process *p)
{
	uintptr_t irq = spin_lock_irq(&proc_lock);

	p->tty = t;
	t->sid = p->sid;
	t->pgid = p->pgid;
	spin_unlock_irq(&proc_lock, irq);
}

void
tty_disown(struct tty *t, int sid)
{
	struct process *p;
	uintptr_t irq = spin_lock_irq(&proc_lock);
	int pgid = t->sid == sid ? t->pgid : 0;

	if (t->sid == sid) {
		list_each(p, &process_list, all)
			if (p->tty == t && p->sid == sid)
				p->tty = NULL;
		t->sid = t->pgid = 0;
	}
	spin_unlock_irq(&proc_lock, irq);
	if (pgid != 0) {
		signal_group(pgid, SIGHUP);
		signal_group(pgid, SIGCONT);
	}
}

/* ---- reading ---- */

static size_t
available(const struct tty *t)
{
	return t->ready - t->tail;
}

/*
 * Take up to n bytes: a line at most in canonical mode. *end: a line's end, or
 * an end of file, was met.
 */
static size_t
take(struct tty *t, char *buf, size_t n, bool *end)
{
	bool canonical = t->mode.lflag & ICANON;
	size_t done = 0;
	unsigned c;

	while (done < n && t->tail != t->ready && !*end) {
		c = t->ring[t->tail++ % RING];
		if (c == END_OF_FILE) {
			*end = true;
			break;
		}
		buf[done++] = (char)c;
		*end = canonical && c == '\n';
	}
	return done;
}

/* How many bytes must be there, and until when a reader waits for them. */
static size_t
wanted(struct tty *t, size_t n, uint64_t *deadline)
{
	uint64_t tenths = t->mode.cc[VTIME];
	size_t min = t->mode.cc[VMIN];

	*deadline = TOME_FOREVER;
	if (t->mode.lflag & ICANON)
		return 1;
	if (tenths != 0 && (min == 0 || available(t) > 0))
		*deadline = clock_ns() + tenths * 100000000u;
	if (min == 0)
		return tenths != 0 ? 1 : 0;
	return min < n ? min : n;
}

/* 0: something can be read, or nothing will come. */
static int
await_input(struct tty *t, struct file *f, size_t n)
{
	uint64_t deadline;
	enum wake_reason why;
	uint32_t seen;
	int err;

	for (;;) {
		seen = t->event;
		err = job_check(t, SIGTTIN);
		if (err != 0 || available(t) >= wanted(t, n, &deadline))
			return err;
		if (f->flags & O_NONBLOCK)
			return available(t) > 0 ? 0 : -EAGAIN;
		why = word_wait(&t->event, seen, deadline, true);
		if (why == WAKE_TIMEOUT)
			return 0;
		if (why == WAKE_INTERRUPTED)
			return -ERESTART;
	}
}

static int64_t
tty_read(struct file *f, struct ubuf to, size_t n, uint64_t *pos)
{
	struct tty *t = &console_tty;
	size_t done = 0, part;
	char buf[CHUNK];
	bool end = false;
	uintptr_t irq;
	int err;

	(void)pos;
	if (n == 0)
		return 0;
	err = await_input(t, f, n);
	while (err == 0 && !end && done < n) {
		part = n - done < CHUNK ? n - done : CHUNK;
		irq = spin_lock_irq(&t->lock);
		part = take(t, buf, part, &end);
		spin_unlock_irq(&t->lock, irq);
		if (part == 0)
			break;
		err = ubuf_put(to, done, buf, part);
		done += part;
	}
	return err != 0 ? err : (int64_t)done;
}

/* ---- writing ---- */

static void
output(struct tty *t, const char *s, size_t n)
{
	size_t start = 0;

	if ((t->mode.oflag & (OPOST | ONLCR)) != (OPOST | ONLCR)) {
		console_write(s, n);
		return;
	}
	for (size_t i = 0; i < n; i++)
		if (s[i] == '\n') {
			console_write(s + start, i - start);
			console_write("\r\n", 2);
			start = i + 1;
		}
	console_write(s + start, n - start);
}

static int64_t
tty_write(struct file *f, struct ubuf from, size_t n, uint64_t *pos)
{
	struct tty *t = &console_tty;
	size_t done = 0, part;
	char buf[CHUNK];
	int err = 0;

	(void)f, (void)pos;
	if (t->mode.lflag & TOSTOP)
		err = job_check(t, SIGTTOU);
	if (err != 0)
		return err;
	mutex_lock(&t->writing);
	for (; done < n; done += part) {
		part = n - done < CHUNK ? n - done : CHUNK;
		err = ubuf_get(from, done, buf, part);
		if (err != 0)
			break;
		output(t, buf, part);
	}
	mutex_unlock(&t->writing);
	return done > 0 ? (int64_t)done : err;
}

static unsigned
tty_poll(struct file *f)
{
	struct tty *t = &console_tty;
	unsigned ready = POLLOUT | POLLWRNORM;

	(void)f;
	if (available(t) > 0)
		ready |= POLLIN | POLLRDNORM;
	return ready;
}

/* ---- modes and groups ---- */

static int
set_mode(struct tty *t, uint64_t arg, bool flush)
{
	struct termios mode;
	uintptr_t irq;
	int err = job_check(t, SIGTTOU);

	if (err == 0)
		err = copy_in(&mode, arg, sizeof mode);
	if (err != 0)
		return err;
	irq = spin_lock_irq(&t->lock);
	t->mode = mode;
	if (flush)
		flush_input(t);
	if (!(mode.lflag & ICANON))
		t->ready = t->head;
	spin_unlock_irq(&t->lock, irq);
	return 0;
}

static int
set_foreground(struct tty *t, uint64_t arg)
{
	struct process *p = current_process();
	int32_t pgid;
	uintptr_t irq;
	int err;

	if (p->tty != t || p->sid != t->sid)
		return -ENOTTY;
	err = job_check(t, SIGTTOU);
	if (err == 0)
		err = copy_in(&pgid, arg, sizeof pgid);
	if (err != 0)
		return err;
	irq = spin_lock_irq(&proc_lock);
	if (pgid < 0)
		err = -EINVAL;
	else if (!group_in_session(pgid, p->sid))
		err = -EPERM;
	else
		t->pgid = pgid;
	spin_unlock_irq(&proc_lock, irq);
	return err;
}

static int
become_controlling(struct tty *t)
{
	struct process *p = current_process();

	if (p->tty == t && t->sid == p->sid)
		return 0;
	if (p->pid != p->sid || p->tty != NULL || t->sid != 0)
		return -EPERM;
	tty_adopt(t, p);
	return 0;
}

static int
set_size(struct tty *t, uint64_t arg)
{
	struct winsize size;
	int err = copy_in(&size, arg, sizeof size);
	bool changed;

	if (err != 0)
		return err;
	changed = memcmp(&size, &t->size, sizeof size) != 0;
	t->size = size;
	if (changed && t->pgid != 0)
		signal_group(t->pgid, SIGWINCH);
	return 0;
}

static int
tty_flush(struct tty *t, uint64_t queue)
{
	uintptr_t irq;

	if (queue > 2)
		return -EINVAL;
	if (queue == 1)
		return 0;	/* output is never queued */
	irq = spin_lock_irq(&t->lock);
	flush_input(t);
	spin_unlock_irq(&t->lock, irq);
	return 0;
}

static int64_t
tty_ioctl(struct file *f, unsigned cmd, uint64_t arg)
{
	struct tty *t = &console_tty;
	struct process *p = current_process();
	int32_t n;

	(void)f;
	switch (cmd) {
	case TCGETS:
		return copy_out(arg, &t->mode, sizeof t->mode);
	case TCSETS:
	case TCSETSW:
	case TCSETSF:
		return set_mode(t, arg, cmd == TCSETSF);
	case TIOCGWINSZ:
		return copy_out(arg, &t->size, sizeof t->size);
	case TIOCSWINSZ:
		return set_size(t, arg);
	case TIOCGPGRP:
		n = t->pgid;
		return p->tty != t ? -ENOTTY : copy_out(arg, &n, sizeof n);
	case TIOCSPGRP:
		return set_foreground(t, arg);
	case TIOCGSID:
		n = t->sid;
		return p->tty != t ? -ENOTTY : copy_out(arg, &n, sizeof n);
	case TIOCSCTTY:
		return become_controlling(t);
	case TIOCNOTTY:
		if (p->tty != t)
			return -ENOTTY;
		if (p->pid == p->sid)
			tty_disown(t, p->sid);
		p->tty = NULL;
		return 0;
	case FIONREAD:
		n = (int32_t)available(t);
		return copy_out(arg, &n, sizeof n);
	case TCFLSH:
		return tty_flush(t, arg);
	case TCSBRK:
	case TCXONC:
		return 0;
	default:
		return -ENOTTY;
	}
}

static const struct file_ops tty_ops = {
	.read = tty_read, .write = tty_write, .ioctl = tty_ioctl,
	.poll = tty_poll,
};

int
tty_open(struct inode *i, struct file *f)
{
	bool own = i->rdev == (5 << 8);	/* /dev/tty: the caller's own */

	if (own && current_process()->tty == NULL)
		return -ENXIO;
	f->ops = &tty_ops;
	if (!own && !(f->flags & O_NOCTTY))
		(void)become_controlling(&console_tty);
	return 0;
}
