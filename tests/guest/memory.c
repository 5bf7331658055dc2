/* SPDX-License-Identifier: MIT */
/*
 * The four functions that a freestanding compiler expects to find. The string
 * instructions keep it from compiling them into calls of themselves.
 */
#include <stddef.h>

void *memcpy(void *dst, const void *src, size_t len);
void *memset(void *dst, int value, size_t len);
int memcmp(const void *a, const void *b, size_t len);
size_t strlen(const char *text);

void *memcpy(void *dst, const void *src, size_t len)
{
	void *end = dst;

	__asm__ volatile("rep movsb"
			 : "+D"(end), "+S"(src), "+c"(len)
			 :
			 : "memory");
	return dst;
}

void *memset(void *dst, int value, size_t len)
{
	void *end = dst;

	__asm__ volatile("rep stosb"
			 : "+D"(end), "+c"(len)
			 : "a"(value)
			 : "memory");
	return dst;
}

int memcmp(const void *a, const void *b, size_t len)
{
	const unsigned char *x = a;
	const unsigned char *y = b;

	for (; len; len--, x++, y++) {
		if (*x != *y)
			return *x - *y;
	}
	return 0;
}

size_t strlen(const char *text)
{
	const volatile char *p = text;

	while (*p)
		p++;
	return (size_t)(p - text);
}
