/* manifest_rows: what the tests of manifests share. */
#ifndef UNIT_MANIFEST_ROWS_H
#define UNIT_MANIFEST_ROWS_H

#include "manifest.h"
#include "room.h"

static const char *const names_one[] = {"x.h", "y.h"}, *const names_two[] = {"x.h"};

static inline struct digest digest_named(const char *name)
{
	struct digest d;
	digest_of(&d, name, strlen(name));
	return d;
}

static inline struct key key_named(const char *name)
{
	struct key k;
	for (int g = 0; g < KEY_GROUPS; g++) {
		k.group[g] = digest_named(name);
		k.group[g].bytes[0] = (unsigned char)g;
	}
	k.direct = digest_named(name);
	return k;
}

/* A decode of the bytes from memory of exactly their length. */
static inline int decode(struct manifest *m, const char *key, const void *bytes, size_t len)
{
	struct digest d = digest_named(key);
	soldr_error err = SOLDR_ERROR_INIT;
	*m = MANIFEST_INIT;
	m->file.data = malloc(len ? len : 1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(m->file.data);
	if (len)
		memcpy(m->file.data, bytes, len);
	m->file.len = m->file.cap = len;
	int rc = manifest_decode(m, &d, &err);
	SAME_NUMBER(rc, err.code);
	return rc;
}

#endif
