/*
 * option.c - words of the command line.
 */
#include <lib.h>
#include <machine.h>

bool
boot_option(const char *name, char *buf, size_t len)
{
	size_t n = strlen(name);
	const char *p = boot_cmdline();

	while (*p != '\0') {
		size_t word = 0;

		while (p[word] != '\0' && p[word] != ' ')
			word++;
		if (word >= n && strncmp(p, name, n) == 0 &&
		    (word == n || p[n] == '=')) {
			size_t skip = word == n ? n : n + 1;
			size_t value = word - skip;

			if (value >= len)
				value = len - 1;
			memcpy(buf, p + skip, value);
			buf[value] = '\0';
			return true;
		}
		p += word;
		while (*p == ' ')
			p++;
	}
	return false;
}
