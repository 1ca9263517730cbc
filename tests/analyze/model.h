/*
 * model: what an analyzer that sees one file at a time cannot know, said in macros. Included before each file
 * but err.c and config_values.c, for the analyzers alone.
 *
 * The functions that fill an error return its code, which is never 0.
 */
#include "err.h"

#define err_set(err, code, ...) ((err_set)((err), (code), __VA_ARGS__), (code))
#define err_prefix(...) ((err_prefix)(__VA_ARGS__), SOLDR_E_INTERNAL)
#if __has_include("config_internal.h")
#include "config_internal.h"
#define config_fail(...) ((config_fail)(__VA_ARGS__), SOLDR_E_CONFIG)
#define config_no_memory(err) ((config_no_memory)(err), SOLDR_E_NOMEM)
#endif
