/*
 * text: numbers and tables for people. See text.h.
 */
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *text_bytes(char text[TEXT_SIZE], uint64_t bytes)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double value = (double)bytes;
	size_t unit = 0;
	for (; value >= 1023.95 && unit + 1 < sizeof units / sizeof *units; unit++)
		value /= 1024;
	snprintf(text, TEXT_SIZE, unit ? "%.1f %s" : "%.0f %s", value, units[unit]);
	return text;
}

const char *text_duration(char text[TEXT_SIZE], uint64_t ns)
{
	unsigned long long seconds = ns / 1000000000;
	if (ns < 1000000)
		snprintf(text, TEXT_SIZE, ns ? "%.1f ms" : "0 ms", (double)ns / 1e6);
	else if (ns < 999500000)
		snprintf(text, TEXT_SIZE, "%.0f ms", (double)ns / 1e6);
	else if (seconds < 60)
		snprintf(text, TEXT_SIZE, "%.1f s", (double)ns / 1e9);
	else if (seconds < 3600)
		snprintf(text, TEXT_SIZE, "%llu min %llu s", seconds / 60, seconds % 60);
	else
		snprintf(text, TEXT_SIZE, "%llu h %llu min", seconds / 3600, seconds % 3600 / 60);
	return text;
}

const char *text_count(char text[TEXT_SIZE], uint64_t count)
{
	char digits[TEXT_SIZE];
	int len = snprintf(digits, sizeof digits, "%llu", (unsigned long long)count);
	char *to = text;
	for (int i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			*to++ = ',';
		*to++ = digits[i];
	}
	*to = 0;
	return text;
}

const char *text_percent(char text[TEXT_SIZE], uint64_t part, uint64_t whole)
{
	if (whole)
		snprintf(text, TEXT_SIZE, "%.1f %%", 100.0 * (double)part / (double)whole);
	else
		snprintf(text, TEXT_SIZE, "-");
	return text;
}

void table_init(struct table *table, const char *align)
{
	*table = (struct table){.columns = strlen(align), .align = align};
}

void table_cell(struct table *table, const char *text)
{
	vec_add(&table->cells, text ? text : "");
}

void table_cellf(struct table *table, const char *fmt, ...)
{
	struct buf b = BUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	buf_vaddf(&b, fmt, ap);
	va_end(ap);
	table_cell(table, buf_str(&b));
	buf_release(&b);
}

/* Columns on the screen: continuation bytes of UTF-8 take none. */
static size_t width_of(const char *text)
{
	size_t n = 0;
	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static void blanks(struct buf *out, size_t n)
{
	while (n--)
		buf_addc(out, ' ');
}

void table_print(struct table *table, struct buf *out, int indent)
{
	size_t widths[TEXT_COLUMNS_MAX] = {0}, columns = table->columns;
	for (size_t i = 0; i < table->cells.len; i++) {
		size_t width = width_of(table->cells.items[i]);
		if (width > widths[i % columns])
			widths[i % columns] = width;
	}
	for (size_t i = 0; i < table->cells.len; i++) {
		const char *cell = table->cells.items[i];
		size_t column = i % columns, pad = widths[column] - width_of(cell);
		if (column == 0)
			blanks(out, (size_t)indent);
		if (table->align[column] == 'r')
			blanks(out, pad);
		buf_adds(out, cell);
		if (column + 1 < columns) {
			blanks(out, (table->align[column] == 'r' ? 0 : pad) + 2);
			continue;
		}
		while (out->len && out->data[out->len - 1] == ' ')
			out->data[--out->len] = 0;
		buf_addc(out, '\n');
	}
	vec_release(&table->cells);
}

struct counted {
	enum soldr_reason reason;
	uint64_t count;
};

static int by_count(const void *left, const void *right)
{
	const struct counted *a = left, *b = right;
	if (a->count != b->count)
		return a->count < b->count ? 1 : -1;
	return a->reason < b->reason ? -1 : 1;
}

size_t text_top_reasons(const struct counter_totals *totals, enum soldr_reason out[SOLDR_REASON_COUNT])
{
	struct counted list[SOLDR_REASON_COUNT];
	size_t n = 0;
	for (enum soldr_reason r = SOLDR_REASON_NONE + 1; r < SOLDR_REASON_COUNT; r++)
		if (totals->reasons[r])
			list[n++] = (struct counted){r, totals->reasons[r]};
	qsort(list, n, sizeof *list, by_count);
	for (size_t i = 0; i < n; i++)
		out[i] = list[i].reason;
	return n;
}
