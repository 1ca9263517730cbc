/*
 * command: the argument list and the environment of one call of the tool.
 *
 * Both are lists of borrowed strings: a compile has some hundred of them, and
 * copying each would be work for nothing. Only the list itself is owned.
 */
#ifndef SOLDR_WRAPPED_COMMAND_H
#define SOLDR_WRAPPED_COMMAND_H

#include <soldr/backend.h>
#include <stdbool.h>

/* Elements of a template that stand for something else. */
#define COMMAND_COMPILER "{compiler}" /* the absolute path of the real compiler */
#define COMMAND_ARGS "{args}"         /* the compiler's arguments, each as its own element */

/* What is wrong with a template (NULL-ended), as "needs …" or "…", or NULL. */
const char *command_template_fault(const char *const *items);

/* tool, then the template (NULL-ended) filled from the request. free() the list. NULL: out of memory. */
const char **command_argv(const char *tool, const char *const *items, const soldr_request *);

/* The request's environment with room for extra more entries. free() the list. NULL: out of memory. */
const char **command_environment(const soldr_request *, size_t extra);
/* Puts entry ("NAME=value") in place of every entry of that name, or at the end, for which there must be room. */
void command_environment_set(const char **envp, const char *entry);

#endif
