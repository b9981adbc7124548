/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * json.h - words of JSON, on standard output.
 */
#ifndef MIPC_JSON_H
#define MIPC_JSON_H

/* A string, in quotation marks. */
void	json_string(const char *);

#endif
