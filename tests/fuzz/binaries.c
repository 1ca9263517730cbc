/* binaries: plugins before they are loaded, their tables, archives and objects. */
#include "fuzz.h"

#include "archive.h"
#include "object.h"
#include "plugin_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * The check of ELF headers belongs to the loader alone, and a file that passes it would be loaded: so its source is part
 * of this one, in the place of its object.
 */
#include "../../core/service/loader.c"

void fuzz_elf(const uint8_t *data, size_t len)
{
	check_shared_object(fuzz_file("plugin.so", data, len), NULL);
}

static int32_t nothing_open(const soldr_host *host, const soldr_kv *kv, uint32_t n, soldr_instance **out, soldr_error *err)
{
	(void)host, (void)kv, (void)n, (void)out, (void)err;
	return 0;
}

static int32_t nothing_compile(soldr_instance *instance, const soldr_request *request, soldr_result *result, soldr_error *err)
{
	(void)instance, (void)request, (void)result, (void)err;
	return 0;
}

static void nothing_close(soldr_instance *instance)
{
	(void)instance;
}

static uint64_t number(const uint8_t **data, size_t *len)
{
	uint64_t n = 0;
	for (int i = 0; i < 8; i++)
		n = n << 8 | fuzz_byte(data, len);
	return n;
}

/* A string, or NULL. */
static char *text_or_null(const uint8_t **data, size_t *len)
{
	return fuzz_byte(data, len) & 1 ? fuzz_text(data, len, 0) : NULL;
}

/* Pointers are good or NULL, numbers are anything: more a program cannot check. */
void fuzz_table(const uint8_t *data, size_t len)
{
	enum { OPTIONS = 4 };
	soldr_backend theirs = {0}, copy;
	soldr_option_spec options[OPTIONS + 1] = {{0}};
	char *texts[2 + 3 * OPTIONS];
	size_t count = 0;
	uint64_t stride = 0;
	uint8_t kind = fuzz_byte(&data, &len);
	theirs.struct_size = kind & 1 ? sizeof theirs : (uint32_t)(number(&data, &len) % (sizeof theirs + 1));
	theirs.abi = kind & 2 ? SOLDR_ABI : (uint32_t)number(&data, &len);
	theirs.caps = number(&data, &len);
	theirs.name = texts[count++] = text_or_null(&data, &len);
	theirs.version = texts[count++] = text_or_null(&data, &len);
	theirs.options = kind & 4 ? options : NULL;
	theirs.open = kind & 8 ? NULL : nothing_open;
	theirs.compile = nothing_compile;
	theirs.close = nothing_close;
	for (size_t i = 0; i < OPTIONS && len; i++) {
		soldr_option_spec *o = &options[i];
		o->struct_size = sizeof *o;
		o->type = fuzz_byte(&data, &len);
		o->min = (int64_t)number(&data, &len);
		o->max = (int64_t)number(&data, &len);
		o->name = texts[count++] = text_or_null(&data, &len);
		o->default_value = texts[count++] = text_or_null(&data, &len);
		o->choices = texts[count++] = text_or_null(&data, &len);
	}
	if (plugin_check_table(&theirs, &copy, &stride, NULL) == 0) {
		HOLDS_ALWAYS(copy.open && copy.compile && copy.close && copy.name && copy.version);
		HOLDS_ALWAYS(!(copy.caps & SOLDR_CAP_STATS) || copy.stats);
		HOLDS_ALWAYS(!copy.options || stride == sizeof *options);
	}
	while (count)
		free(texts[--count]);
}

void fuzz_archive(const uint8_t *data, size_t len)
{
	archive_is_rustc_only(fuzz_file("lib.rlib", data, len));
}

void fuzz_object(const uint8_t *data, size_t len)
{
	object_is_searchable(data ? (const char *)data : "", len);
}
