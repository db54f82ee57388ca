/*
 * xattr_calls.c - extended attributes: no file system here has any. The calls
 * say so as Linux does for such a file system, after what they name was found.
 */
#include <fs/vfs.h>
#include <lib.h>
#include <machine.h>
#include <process.h>
#include <syscall.h>

static int64_t
by_path(uint64_t user, unsigned flags, int64_t answer)
{
	struct dentry *d;
	char *path;
	int err = path_in(user, &path);

	if (err != 0)
		return err;
	err = path_lookup(NULL, path, flags, &d);
	path_free(path);
	if (err != 0)
		return err;
	dentry_unref(d);
	return answer;
}

static int64_t
by_descriptor(uint64_t fd, int64_t answer)
{
	struct fd f = fd_borrow((int)fd);

	if (f.file == NULL)
		return -EBADF;
	fd_return(f);
	return answer;
}

/* Of the three ways to name a file: follow, do not follow, a descriptor. */
#define THREE(verb, answer)                                                   \
	SYSCALL(verb)                                                         \
	{                                                                     \
		return by_path(a[0], WALK_FOLLOW, answer);                    \
	}                                                                     \
	SYSCALL(l##verb)                                                      \
	{                                                                     \
		return by_path(a[0], 0, answer);                              \
	}                                                                     \
	SYSCALL(f##verb)                                                      \
	{                                                                     \
		return by_descriptor(a[0], answer);                           \
	}

THREE(setxattr, -EOPNOTSUPP)
THREE(getxattr, -EOPNOTSUPP)
THREE(listxattr, 0)
THREE(removexattr, -EOPNOTSUPP)
