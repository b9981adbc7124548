/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * plain.c - the namespace, as a program has it that knows nothing of mipc.
 */
#include "plain.h"

#include <sys/stat.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diff_run.h"

bool
plain_open(const char *dir, bool create)
{
	if (create && (mkdir(dir, 0700) == -1 || chmod(dir, 01777) == -1)) {
		tap_note("no namespace: %s: %s", dir, strerror(errno));
		return false;
	}
	return setenv("MIPC_DIR", dir, 1) == 0;
}

bool
plain_limit(const char *name, unsigned long value)
{
	char path[64], text[32];

	snprintf(path, sizeof(path), "/proc/sys/kernel/%s", name);
	snprintf(text, sizeof(text), "%lu\n", value);
	return diff_write_file(path, text);
}
