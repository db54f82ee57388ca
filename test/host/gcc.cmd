# gcc compiles, links and runs programs; make runs two at a time.
cd "$(mktemp -d)" || exit 1
cat >sieve.c <<'EOT'
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "count.h"

static void *
count_to(void *arg)
{
	long n = *(long *)arg;
	char *sieve = calloc(n, 1);

	for (long i = 2; i * i < n; i++)
		if (!sieve[i])
			for (long j = i * i; j < n; j += i)
				sieve[j] = 1;
	return (void *)count(sieve, n);
}

int
main(void)
{
	long n[4] = { 1000, 10000, 100000, 1000000 };
	pthread_t t[4];
	void *found;

	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, count_to, &n[i]);
	for (int i = 0; i < 4; i++) {
		pthread_join(t[i], &found);
		printf("%ld below %ld\n", (long)found, n[i]);
	}
	return 0;
}
EOT
echo 'long count(const char *sieve, long n);' >count.h
cat >count.c <<'EOT'
#include "count.h"

long
count(const char *sieve, long n)
{
	long found = 0;

	for (long i = 2; i < n; i++)
		found += !sieve[i];
	return found;
}
EOT
printf 'CFLAGS = -O2 -Wall -g\nsieve: sieve.o count.o\n\tgcc -o $@ $^ -pthread\n%s\n' \
	'sieve.o count.o: count.h' >Makefile
make -s -j2 && ./sieve
gcc -O2 -Wall -static -flto -o s sieve.c count.c -pthread && ./s | md5sum
echo 'int main(void) { return x; }' | gcc -xc - 2>&1 | grep -c 'undeclared'
