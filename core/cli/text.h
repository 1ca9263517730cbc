/*
 * text: numbers and tables for people.
 */
#ifndef SOLDR_CLI_TEXT_H
#define SOLDR_CLI_TEXT_H

#include "buf.h"
#include "counters.h"

#include <stdint.h>

enum { TEXT_SIZE = 32, TEXT_COLUMNS_MAX = 8 };

/* "812 B", "1.5 GiB". Returns text. */
const char *text_bytes(char text[TEXT_SIZE], uint64_t bytes);
/* "0.4 ms", "12.3 s", "4 min 12 s", "2 h 5 min" */
const char *text_duration(char text[TEXT_SIZE], uint64_t ns);
/* "1,234,567" */
const char *text_count(char text[TEXT_SIZE], uint64_t);
/* "71.4 %", "-" of nothing */
const char *text_percent(char text[TEXT_SIZE], uint64_t part, uint64_t whole);

/* A table whose columns are as wide as their widest cell, two blanks apart. */
struct table {
	struct vec cells;
	size_t columns;
	const char *align; /* a letter for each column: 'l' or 'r' */
};

void table_init(struct table *, const char *align);
void table_cell(struct table *, const char *text); /* NULL: empty */
void table_cellf(struct table *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Appends the rows, each after `indent` blanks, and releases the table. */
void table_print(struct table *, struct buf *, int indent);

/* Indices of the reasons that were counted, most frequent first; NONE is left out. Returns how many. */
size_t text_top_reasons(const struct counter_totals *, enum soldr_reason out[SOLDR_REASON_COUNT]);

#endif
