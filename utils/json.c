/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * json.c - words of JSON, on standard output.
 */
#include "json.h"

#include <stdio.h>

void
json_string(const char *s)
{
	putchar('"');
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			printf("\\%c", *s);
		else if ((unsigned char)*s < ' ')
			printf("\\u%04x", (unsigned)(unsigned char)*s);
		else
			putchar(*s);
	}
	putchar('"');
}
