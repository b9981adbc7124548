/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * report.c - the table, and its JSON twin.  Notes go to standard error, so
 * that standard output stays what a program can read.
 */
#include <math.h>
#include <string.h>

#include "bench.h"

#define NAME_WIDTH	33

static int rows_printed;

static int
is_peer(const char *name)
{
	return strcmp(name, "kernel") != 0 && strcmp(name, "mipc") != 0;
}

static double
value_of(const struct bench_result *r, const char *name)
{
	for (int i = 0; i < BENCH_SIDES && r->row->side[i].name; i++)
		if (strcmp(r->row->side[i].name, name) == 0)
			return r->value[i];
	return NAN;
}

/* A value to three digits, or one decimal where there are more. */
static const char *
number(double v, char *buf, size_t size)
{
	if (isnan(v))
		snprintf(buf, size, "-");
	else if (v < 10)
		snprintf(buf, size, "%.2f", v);
	else if (v < 10000)
		snprintf(buf, size, "%.1f", v);
	else
		snprintf(buf, size, "%.0f", v);
	return buf;
}

static void
json_number(const char *before, double v)
{
	if (isnan(v))
		printf("%snull", before);
	else
		printf("%s%.4f", before, v);
}

static double
or_none(double v)
{
	return v == 0 ? NAN : v;
}

/* The second figure of each side: {} if the row has none. */
static void
json_also(const struct bench_result *r)
{
	const char *comma = "";

	printf(", \"also\": {");
	if (r->row->also != NULL)
		printf("\"%s\": {", r->row->also);
	for (int i = 0; i < BENCH_SIDES && r->row->side[i].name; i++) {
		if (r->row->also == NULL)
			break;
		printf("%s\"%s\": ", comma, r->row->side[i].name);
		json_number("", r->also[i]);
		comma = ", ";
	}
	printf(r->row->also != NULL ? "}}" : "}");
}

static void
json_row(const struct bench_result *r)
{
	const char *comma = "";

	printf("%s\n  {\"row\": \"%s\", \"unit\": \"%s\", ",
	    rows_printed > 0 ? "," : "", r->row->name, r->row->unit);
	json_number("\"kernel\": ", value_of(r, "kernel"));
	json_number(", \"mipc\": ", value_of(r, "mipc"));
	json_number(", \"ratio\": ", r->ratio);
	json_number(", \"target\": ", or_none(r->row->target));
	if (isnan(r->ratio)) {
		printf(", \"quartiles\": null");
	} else {
		json_number(", \"quartiles\": [", r->spread.low);
		json_number(", ", r->spread.high);
		printf("]");
	}
	json_also(r);
	printf(", \"peers\": {");
	for (int i = 0; i < BENCH_SIDES && r->row->side[i].name; i++) {
		if (!is_peer(r->row->side[i].name))
			continue;
		printf("%s\"%s\": ", comma, r->row->side[i].name);
		json_number("", r->value[i]);
		comma = ", ";
	}
	printf("}}");
}

/* The target, marked if it is not reached. */
static const char *
target(const struct bench_result *r, char *buf, size_t size)
{
	if (r->row->target == 0)
		return "";
	snprintf(buf, size, "%g%s", r->row->target,
	    r->ratio < r->row->target ? "!" : "");
	return buf;
}

/* How mipc compares to the peer that the row names. */
static void
text_times(const struct bench_result *r)
{
	double times;

	if (r->row->peer == NULL)
		return;
	times = value_of(r, "mipc") / value_of(r, r->row->peer);
	if (!isnan(times))
		printf("; %.2f times %s (at most %g%s)", times, r->row->peer,
		    r->row->times, times > r->row->times ? "!" : "");
}

/* The second figure of each side that has one. */
static void
text_also(const struct bench_result *r)
{
	const char *comma = "";

	if (r->row->also == NULL)
		return;
	printf("; %s (%g): ", r->row->also, r->row->also_target);
	for (int i = 0; i < BENCH_SIDES && r->row->side[i].name; i++) {
		if (isnan(r->also[i]))
			continue;
		printf("%s%s %.2f", comma, r->row->side[i].name, r->also[i]);
		comma = ", ";
	}
}

static void
text_row(const struct bench_result *r)
{
	const char *comma = "";
	char a[32], b[32];

	printf("%-*s %-7s %10s %10s ", NAME_WIDTH, r->row->name, r->row->unit,
	    number(value_of(r, "kernel"), a, sizeof(a)),
	    number(value_of(r, "mipc"), b, sizeof(b)));
	if (isnan(r->ratio))
		printf("%6s %-6s %15s ", "-", target(r, a, sizeof(a)), "");
	else
		printf("%6.2f %-6s %7.2f-%-7.2f ", r->ratio,
		    target(r, a, sizeof(a)), r->spread.low, r->spread.high);
	for (int i = 0; i < BENCH_SIDES && r->row->side[i].name; i++) {
		if (!is_peer(r->row->side[i].name))
			continue;
		printf("%s%s %s", comma, r->row->side[i].name,
		    number(r->value[i], a, sizeof(a)));
		comma = ", ";
	}
	text_times(r);
	text_also(r);
	printf("\n");
}

static void
print_notes(const struct bench_result *r)
{
	fflush(stdout);
	if (r->note[BENCH_SIDES][0] != '\0')
		fprintf(stderr, "mipc-bench: %s: %s\n", r->row->name,
		    r->note[BENCH_SIDES]);
	for (int i = 0; i < BENCH_SIDES && r->row->side[i].name; i++)
		if (r->note[i][0] != '\0')
			fprintf(stderr, "mipc-bench: %s: %s: %s\n",
			    r->row->name, r->row->side[i].name, r->note[i]);
}

void
bench_report_begin(const struct bench_options *opt)
{
	if (opt->json) {
		printf("[");
		return;
	}
	printf("Medians of interleaved rounds; ratio is kernel/mipc (more "
	    "than 1: mipc is faster or smaller),\nwith the quartiles of the "
	    "rounds' ratios; a target with ! is not reached.\n\n");
	printf("%-*s %-7s %10s %10s %6s %-6s %-15s %s\n", NAME_WIDTH, "row",
	    "unit", "kernel", "mipc", "ratio", "target", "    quartiles",
	    "peers");
}

void
bench_report_row(const struct bench_options *opt, const struct bench_result *r)
{
	if (opt->json)
		json_row(r);
	else
		text_row(r);
	rows_printed++;
	print_notes(r);
}

void
bench_report_end(const struct bench_options *opt)
{
	if (opt->json)
		printf("%s]\n", rows_printed > 0 ? "\n" : "");
}
