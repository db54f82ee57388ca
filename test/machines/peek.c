/* peek.c - has the kernel touch what is a program's (kernel/peek.c). */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../user/suite.h"

#define PEEK_CALL 1000

int
main(void)
{
	static const unsigned char code[] = RETURN_CODE;
	char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return 2;
	memcpy(p, code, sizeof code);
	__builtin___clear_cache(p, p + sizeof code);
	/* It is there, and may be executed: by us. */
	((void (*)(void))p)();
	return syscall(PEEK_CALL, p) == 0 ? 0 : 3;
}
