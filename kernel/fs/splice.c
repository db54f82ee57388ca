/*
 * splice.c - from file to file, by way of the kernel's memory: sendfile,
 * copy_file_range, splice. (vmsplice is a read or a write: io_calls.c.)
 */
#include <fs/vfs.h>
#include <oom.h>
#include <process.h>
#include <syscall.h>

/* What was read is not lost for want of memory. */
static int64_t
put_all(struct file *out, const char *buf, size_t n, uint64_t *pos)
{
	int64_t put;

	do
		put = file_write(out, ubuf_kernel(buf), n, pos);
	while (oom_again(put));
	return put;
}

/* When a copy waits for more, or for room: till it has all; till it has some; not. */
enum patience { WAIT_ALL, WAIT_SOME, WAIT_NOT };

static bool
is_ready(struct file *f, unsigned event)
{
	return f->ops->poll == NULL ||
	    (f->ops->poll(f) & (event | POLLHUP | POLLERR));
}

/* What can be read only once is not read before there is room for it. */
static int
await_both(struct file *in, struct file *out, enum patience patience,
    bool some, size_t n)
{
	if ((patience == WAIT_NOT || (patience == WAIT_SOME && some)) &&
	    !(is_ready(in, POLLIN) && is_ready(out, POLLOUT)))
		return -EAGAIN;
	return in->ops->seekable ? 0 : pipe_await_room(out, n);
}

static int64_t
copy_chunks(struct file *in, uint64_t *in_pos, struct file *out,
    uint64_t *out_pos, uint64_t n, enum patience patience)
{
	size_t most = file_is_pipe(out) ? PIPE_BUF : TOME_PAGE_SIZE;
	char *buf = tome_kmalloc(the_vm, TOME_PAGE_SIZE);
	int64_t done = 0, got = 0, put;

	if (buf == NULL)
		return -ENOMEM;
	while ((uint64_t)done < n) {
		size_t part = n - (uint64_t)done < most ? n - (uint64_t)done :
		    most;

		got = await_both(in, out, patience, done > 0, part);
		if (got == 0)
			got = file_read(in, ubuf_kernel(buf), part, in_pos);
		if (got <= 0)
			break;
		put = put_all(out, buf, (size_t)got, out_pos);
		if (put < got) {
			/* What was read and not written is read again. */
			uint64_t *pos = in_pos != NULL ? in_pos : &in->pos;

			if (in->ops->seekable)
				*pos -= (uint64_t)(got - (put > 0 ? put : 0));
			got = put;
			done += put > 0 ? put : 0;
			break;
		}
		done += put;
		/* A terminal or pipe gave what it had: its end comes next. */
		if ((size_t)got < part && !in->ops->seekable)
			break;
	}
	tome_kfree(the_vm, buf);
	return done > 0 ? done : got;
}

/* At an offset that user space keeps (0: at the file's own). */
static int
offset_in(uint64_t user, uint64_t *pos)
{
	int err = user != 0 ? copy_in(pos, user, sizeof *pos) : 0;

	return err == 0 && user != 0 && (int64_t)*pos < 0 ? -EINVAL : err;
}

static int64_t
copy_call(int in_fd, uint64_t in_user, int out_fd, uint64_t out_user,
    uint64_t n, enum patience patience)
{
	struct fd in = fd_borrow(in_fd), out = fd_borrow(out_fd);
	uint64_t in_pos = 0, out_pos = 0;
	int64_t done = -EBADF;

	if (in.file != NULL && out.file != NULL)
		done = offset_in(in_user, &in_pos);
	if (done == 0)
		done = offset_in(out_user, &out_pos);
	if (done == 0)
		done = copy_chunks(in.file, in_user != 0 ? &in_pos : NULL,
		    out.file, out_user != 0 ? &out_pos : NULL, n, patience);
	if (done >= 0 && in_user != 0 &&
	    copy_out(in_user, &in_pos, sizeof in_pos) != 0)
		done = -EFAULT;
	if (done >= 0 && out_user != 0 &&
	    copy_out(out_user, &out_pos, sizeof out_pos) != 0)
		done = -EFAULT;
	if (in.file != NULL)
		fd_return(in);
	if (out.file != NULL)
		fd_return(out);
	return done;
}

SYSCALL(sendfile)
{
	return copy_call((int)a[1], a[2], (int)a[0], 0, a[3], WAIT_ALL);
}

SYSCALL(copy_file_range)
{
	return a[5] != 0 ? -EINVAL :
	    copy_call((int)a[0], a[1], (int)a[2], a[3], a[4], WAIT_ALL);
}

#define SPLICE_NONBLOCK 2u
#define SPLICE_FLAGS 0xfu

/* One of the two must be a pipe, which has no offset; both, not the same. */
static int
may_splice(const struct file *in, uint64_t in_user, const struct file *out,
    uint64_t out_user)
{
	bool from = file_is_pipe(in), to = file_is_pipe(out);

	if ((from && in_user != 0) || (to && out_user != 0))
		return -ESPIPE;
	return (from || to) && in->inode != out->inode ? 0 : -EINVAL;
}

/* A copy by way of the kernel's memory. */
SYSCALL(splice)
{
	struct fd in, out;
	int err = -EBADF;

	if (a[4] == 0)
		return 0;
	if (a[5] & ~(uint64_t)SPLICE_FLAGS)
		return -EINVAL;
	in = fd_borrow((int)a[0]);
	out = fd_borrow((int)a[2]);
	if (in.file != NULL && out.file != NULL)
		err = may_splice(in.file, a[1], out.file, a[3]);
	if (in.file != NULL)
		fd_return(in);
	if (out.file != NULL)
		fd_return(out);
	return err != 0 ? err : copy_call((int)a[0], a[1], (int)a[2], a[3],
	    a[4], a[5] & SPLICE_NONBLOCK ? WAIT_NOT : WAIT_SOME);
}
