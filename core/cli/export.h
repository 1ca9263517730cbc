/*
 * export: a run in the forms of other programs.
 *
 *   export.c           which form, and where it goes
 *   export_trace.c     Chrome's trace events, as chrome://tracing and Perfetto read them
 *   export_junit.c     JUnit XML
 *   export_html.c      one HTML page; export_timeline.c the picture in it
 *
 * The analysis has been read; the compiles are then read a second time and
 * written as they come, so that memory does not grow with the run.
 */
#ifndef SOLDR_CLI_EXPORT_H
#define SOLDR_CLI_EXPORT_H

#include "analysis.h"

struct export {
	struct analysis *analysis;
	const struct findings *findings;
	int fd;
	const char *name; /* of what is written to, for messages */
	struct buf out;   /* written when it is large, and at the end */
	int problem;      /* errno of the first write that failed; the rest is not written */
};

/* What follows may be written now. */
void export_step(struct export *);

/* A compile of the second reading. span: NULL where its times were not kept. */
typedef void (*export_compile_fn)(void *arg, const struct run_compile *, const struct span *);
int export_compiles(struct export *, export_compile_fn, void *arg, soldr_error *);

int export_trace(struct export *, soldr_error *);
int export_junit(struct export *, soldr_error *);
int export_html(struct export *, soldr_error *);
/* Of the page: the lanes, and how many ran at once. */
int export_timeline(struct export *, soldr_error *);
void export_concurrency(struct export *);

/*
 * Text for HTML or XML: markup is escaped, what neither may hold (control
 * characters, bytes that are no UTF-8) becomes U+FFFD.
 */
void export_text(struct buf *, const char *text);

struct export_format {
	const char *name, *what;
	int (*write)(struct export *, soldr_error *);
};
extern const struct export_format export_formats[]; /* ended by a NULL name */
const struct export_format *export_format_find(const char *name);

/* Writes the run that was read to a descriptor. */
int export_write(const struct export_format *, struct analysis *, const struct findings *, int fd, const char *name, soldr_error *);

#endif
