/* run_manifest: see run_manifest.h. */
#include "run_manifest.h"

#include "audit.h"
#include "fs.h"
#include "ids.h"
#include "journal.h"
#include "json.h"
#include "path.h"

#include <stdlib.h>
#include <unistd.h>

static const struct {
	const char *name, *schema;
} files[] = {
	{"audit.jsonl", AUDIT_SCHEMA},
	{JOURNAL_FILE, JOURNAL_SCHEMA},
	{"summary.json", "soldr.summary.v1"},
};

static void list_files(struct json *j, const struct run_manifest *m)
{
	json_open(j, "files", '[');
	for (size_t i = 0; m->has_ended && i < sizeof files / sizeof *files; i++) {
		struct stat st;
		char *path = path_join(m->dir, files[i].name);
		if (path && sys.lstat(path, &st) == 0 && S_ISREG(st.st_mode)) {
			json_open(j, NULL, '{');
			json_str(j, "name", files[i].name);
			json_str(j, "schema", files[i].schema);
			json_i64(j, "size_bytes", st.st_size);
			json_close(j, '}');
		}
		free(path);
	}
	json_close(j, ']');
}

static void write_text(const struct config *c, const struct run_manifest *m, struct buf *out)
{
	struct json j = json_to(out, true);
	struct run_ids ids;
	char stamp[STAMP_SIZE], trace[ID_SIZE], root[SPAN_SIZE];
	const struct audit audit = {.config = c}; /* for the secrets */
	ids_of_run(&ids, c->cache_root, c->instance_id, m->id);
	span_hex(ids.root, root);
	bool joined = traceparent_read(c->traceparent, trace) != 0;
	json_open(&j, NULL, '{');
	json_str(&j, "schema", "soldr.manifest.v1");
	json_u64(&j, "schema_version", 1);
	json_str(&j, "run_id", m->id);
	json_str(&j, "build_id", m->id);
	json_str(&j, "trace_id", joined ? trace : ids.trace);
	json_str(&j, "root_span_id", root);
	json_str(&j, "version", SOLDR_VERSION);
	json_str(&j, "backend", c->backend);
	audit_string(&audit, &j, "command", m->command);
	audit_string(&audit, &j, "cwd", m->cwd ? m->cwd : "");
	json_i64(&j, "pid", getpid());
	stamp_of(&m->started, stamp);
	json_str(&j, "started", stamp);
	if (m->has_ended) {
		stamp_of(&m->ended, stamp);
		json_str(&j, "ended", stamp);
		json_i64(&j, "exit_code", m->exit_code);
		json_i64(&j, "signal", m->signal);
	}
	json_open(&j, "audit", '{');
	json_str(&j, "mode", audit_mode_name(c->audit_mode));
	json_str(&j, "sink_policy", audit_policy_name(c->sink_policy));
	json_bool(&j, "redaction", c->redaction);
	json_i64(&j, "max_journal_size_bytes", c->max_journal_size);
	json_close(&j, '}');
	json_open(&j, "identity", '{');
	json_str(&j, "product", c->product);
	json_str(&j, "instance_id", c->instance_id);
	json_str(&j, "workspace", c->workspace);
	json_close(&j, '}');
	list_files(&j, m);
	json_close(&j, '}');
	buf_addc(out, '\n');
}

int run_manifest_write(const struct config *c, const struct run_manifest *m, soldr_error *err)
{
	struct buf text = BUF_INIT;
	char *file = path_join(m->dir, RUN_MANIFEST_FILE);
	write_text(c, m, &text);
	int rc = file && buf_ok(&text) ? fs_write_file(file, text.data, text.len, 0600, err)
	                               : err_set(err, SOLDR_E_NOMEM, 0, "manifest", E101_NO_MEMORY);
	buf_release(&text);
	free(file);
	return rc;
}
