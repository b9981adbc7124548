/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * options_bash.c - what completes a command in bash, made from its table.
 *
 * It is a function of that shell alone: bash-completion(1) loads it, but is
 * not needed.  An option's argument is completed by what --help calls it, or
 * by words of the command's own.
 */
#include "options.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Ends of words: bash cuts a word at "=", and that is one, too. */
static const char prologue[] =
    "{\n"
    "\tlocal cur=${COMP_WORDS[COMP_CWORD]} glued= dir=() i\n"
    "\tlocal prev=${COMP_WORDS[COMP_CWORD-1]} mipcs=mipcs\n"
    "\n"
    "\tCOMPREPLY=()\n"
    "\t[[ $1 != */* ]] || mipcs=${1%/*}/mipcs\n"
    "\tif [[ $cur == \"=\" ]]; then\n"
    "\t\tcur= glued==\n"
    "\telif [[ $prev == \"=\" ]]; then\n"
    "\t\tprev=${COMP_WORDS[COMP_CWORD-2]} glued==\n"
    "\tfi\n"
    "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
    "\t\t[[ ${COMP_WORDS[i]} == --dir ]] || continue\n"
    "\t\t[[ ${COMP_WORDS[i+1]} != \"=\" ]] || ((i++))\n"
    "\t\tdir=${COMP_WORDS[i+1]-}\n"
    "\t\tdir=(--dir \"${dir/#\\~/$HOME}\")\n"
    "\tdone\n";

/* Find the command line that stands behind the options. */
static const char find_program[] =
    "\t\t\t((i++))\n"
    "\t\t\t[[ ${COMP_WORDS[i]} != \"=\" ]] || ((i++)) ;;\n"
    "\t\t\"=\") ((i++)) ;;\n"
    "\t\t--) ((i++)); break ;;\n"
    "\t\t-*) ;;\n"
    "\t\t*) break ;;\n"
    "\t\tesac\n"
    "\tdone\n"
    "\tif ((i < COMP_CWORD)); then\n"
    "\t\t! declare -F _command_offset >/dev/null ||\n"
    "\t\t\t_command_offset $i\n"
    "\t\treturn\n"
    "\telif [[ $i == \"$COMP_CWORD\" && -z $glued && $cur != -* ]]; then\n"
    "\t\tCOMPREPLY=($(compgen -cf -- \"$cur\"))\n"
    "\t\treturn\n"
    "\tfi\n";

/* The forms of an option as bash's patterns: "-m|--shmem". */
static void
print_pattern(const struct option_row *row, const char *before)
{
	if (row->letter != 0)
		printf("%s-%c|", before, row->letter);
	printf("%s--%s", before, row->name);
}

/* The identifiers or keys there are, of the kind that the letter is for. */
static void
print_existing(const struct option_row *row)
{
	static const struct {
		char letters[3];
		const char *id;
	} kinds[] = {
		{ "mM", "shmid" }, { "sS", "semid" }, { "qQ", "msqid" }
	};
	const bool keys = strncmp(row->argument, "KEY", 3) == 0;

	printf(keys ? "-X 0x00000000 -W \"" : "-W \"");
	for (size_t k = 0; k < 3; k++) {
		const bool meant = row->letter != 0 &&
		    strchr(kinds[k].letters, row->letter) != NULL;

		if (meant || strchr("mMsSqQ", row->letter) == NULL)
			printf("$(\"$mipcs\" \"${dir[@]}\" -%c --noheadings "
			    "--output %s 2>/dev/null) ", kinds[k].letters[0],
			    keys ? "key" : kinds[k].id);
	}
	printf("\"");
}

/* What compgen has for an argument. */
static void
print_action(const struct option_table *t, const struct option_row *row)
{
	static const struct {
		const char *argument;
		const char *action;
	} known[] = {
		{ "DIR", "-d" }, { "[FILE]", "-f" }, { "USER", "-u" }
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(row->argument, known[i].argument) == 0) {
			printf("%s", known[i].action);
			return;
		}
	if (strncmp(row->argument, "ID", 2) == 0 ||
	    strncmp(row->argument, "KEY", 3) == 0) {
		print_existing(row);
		return;
	}
	printf("-W \"");
	if (t->words != NULL)
		t->words(row);
	printf("\"");
}

/* An argument that is a list is completed behind its last comma. */
static void
print_case(const struct option_table *t, const struct option_row *row)
{
	const bool list = strstr(row->argument, ",...") != NULL;

	printf("\t");
	if (row->argument[0] != '[') {
		print_pattern(row, "");
		putchar('|');
	}
	print_pattern(row, "=");
	printf(")\n");
	if (strchr(row->argument, '=') != NULL)
		printf("\t\tcompopt -o nospace 2>/dev/null\n");
	printf("\t\tCOMPREPLY=($(compgen ");
	if (list)
		printf("-P \"${cur%%\"${cur##*,}\"}\" ");
	print_action(t, row);
	printf(" -- \"%s\"))\n\t\treturn ;;\n", list ? "${cur##*,}" : "$cur");
}

static void
print_program(const struct option_table *t)
{
	const char *before = "\t\t";

	printf("\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	    "\t\tcase ${COMP_WORDS[i]} in\n");
	for (size_t i = 0; i < t->nrows; i++)
		if (t->rows[i].argument != NULL &&
		    t->rows[i].argument[0] != '[') {
			printf("%s", before);
			print_pattern(&t->rows[i], "");
			before = "|";
		}
	printf(")\n%s", find_program);
}

/* Words behind an option that takes several belong to it. */
static void
print_operands(void)
{
	printf("\tfor ((i = COMP_CWORD - 1; i > 0; i--)); do\n"
	    "\t\t[[ -z $glued && ${COMP_WORDS[i]} == -* ]] || continue\n"
	    "\t\tprev=${COMP_WORDS[i]}\n"
	    "\t\tbreak\n"
	    "\tdone\n");
}

void
options_print_bash(const struct option_table *t)
{
	printf("# %s in bash, from \"%s --completion\".\n_%s()\n%s",
	    t->program, t->program, t->program, prologue);
	if (t->runs)
		print_program(t);
	if (t->operand != NULL)
		print_operands();
	printf("\t[[ $cur == -* ]] || case $glued$prev in\n");
	for (size_t i = 0; i < t->nrows; i++)
		if (t->rows[i].argument != NULL)
			print_case(t, &t->rows[i]);
	printf("\tesac\n\tCOMPREPLY=($(compgen -W \"");
	for (size_t i = 0; i < t->nrows; i++)
		printf("--%s ", t->rows[i].name);
	printf("\" -- \"$cur\"))\n}\ncomplete%s -F _%s %s\n",
	    t->runs ? " -o bashdefault -o default" : "", t->program,
	    t->program);
}
