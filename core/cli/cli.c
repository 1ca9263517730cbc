/*
 * cli: messages, options of verbs and the environment. See cli.h.
 */
#include "cli.h"

#include "front.h"
#include "fs.h"
#include "host.h"
#include "path.h"
#include "rescue.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct verb *const cli_verbs[] = {
	&verb_cargo,  &verb_make,     &verb_gmake, &verb_ninja, &verb_samu,  &verb_cmake,   &verb_build,
	&verb_stats,  &verb_status, &verb_why,      &verb_report, &verb_audit, &verb_logs, &verb_backends, &verb_plugin, &verb_doctor, &verb_config, &verb_cache, &verb_parity,
	&verb_version, &verb_help,
	NULL,
};

const struct verb *cli_verb_find(const char *name)
{
	for (const struct verb *const *v = cli_verbs; *v; v++)
		if (strcmp((*v)->name, name) == 0)
			return *v;
	return NULL;
}

/* The text is built first: pieces of parallel writers must not interleave. */
static void write_message(struct buf *b)
{
	if (buf_ok(b))
		(void)fs_write_all(STDERR_FILENO, buf_str(b), b->len);
	buf_release(b);
}

/* Control characters, of a file's name say, would reach the terminal: ESC becomes \x1b, a newline \x0a. C1 is two bytes in UTF-8. */
static void add_visible(struct buf *b, const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		bool c1 = p[0] == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f;
		if (c1)
			buf_addf(b, "\\x%02x", *p++);
		if (c1 || *p < ' ' || *p == 0x7f)
			buf_addf(b, "\\x%02x", *p);
		else
			buf_addc(b, (char)*p);
	}
}

static void say(const char *fmt, va_list ap, const struct verb *usage)
{
	struct buf text = BUF_INIT, shown = BUF_INIT, b = BUF_INIT;
	buf_vaddf(&text, fmt, ap);
	err_show(&shown, buf_str(&text));
	buf_adds(&b, "soldr: ");
	add_visible(&b, buf_str(&shown));
	buf_addc(&b, '\n');
	if (usage)
		buf_addf(&b, "usage: soldr %s\n", usage->usage);
	if (buf_ok(&text) && buf_ok(&shown))
		write_message(&b);
	buf_release(&b);
	buf_release(&shown);
	buf_release(&text);
}

void cli_error(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	say(fmt, ap, NULL);
	va_end(ap);
}

void cli_remark(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	say(fmt, ap, NULL);
	va_end(ap);
}

int cli_usage(const struct verb *verb, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	say(fmt, ap, verb);
	va_end(ap);
	return STATUS_USAGE;
}

void cli_report(const soldr_error *err, const char *about)
{
	soldr_error memory = SOLDR_ERROR_INIT;
	if (!err)
		err_set(&memory, SOLDR_E_NOMEM, 0, "cli", E101_NO_MEMORY);
	cli_remark("%s%s%s", about ? about : "", about ? ": " : "", err ? err->message : memory.message);
}

void cli_report_so(soldr_error *err, const char *so)
{
	err_suffix(err, "; %s", so);
	cli_report(err, NULL);
}

struct cli_hint cli_hint(const char *near, const char *quote)
{
	struct cli_hint hint = {""};
	if (near)
		snprintf(hint.text, sizeof hint.text, "; did you mean %s%.64s%s?", quote, near, quote);
	return hint;
}

int cli_print(struct buf *b, int status)
{
	int why = buf_ok(b) ? fs_write_all(STDOUT_FILENO, buf_str(b), b->len) : ENOMEM;
	buf_release(b);
	if (why == 0 || why == EPIPE)
		return status;
	cli_error(E513_STDOUT_FAILED, strerror(why));
	return STATUS_WRONG;
}

static int unknown_option(const struct verb *verb, const struct cli_option *options, const char *given)
{
	const char *known[16] = {"--help"};
	size_t count = 1;
	for (const struct cli_option *o = options; o->name && count + 1 < sizeof known / sizeof *known; o++)
		known[count++] = o->name;
	const char *near = config_nearest(given, known);
	return cli_usage(verb, E521_OPTION_GIVEN_UNKNOWN, verb->name, given, cli_hint(near, "").text);
}

/* Takes one option at *at, moving it over the option's value. Returns 0 or STATUS_USAGE. */
static int take_option(const struct cli *cli, const struct verb *verb, const struct cli_option *options, int *at)
{
	const char *arg = cli->argv[*at];
	size_t len = strcspn(arg, "=");
	for (const struct cli_option *o = options; o->name; o++) {
		if (strlen(o->name) != len || strncmp(o->name, arg, len) != 0)
			continue;
		if (o->flag) {
			*o->flag = true;
			return arg[len] ? cli_usage(verb, E522_OPTION_TAKES_NO_VALUE, verb->name, o->name) : 0;
		}
		*o->value = arg[len] ? arg + len + 1 : cli->argv[++*at];
		return *o->value ? 0 : cli_usage(verb, E523_OPTION_NEEDS_VALUE, verb->name, o->name);
	}
	return unknown_option(verb, options, arg);
}

int cli_parse(const struct cli *cli, const struct verb *verb, const struct cli_option *options, struct cli_operands *operands)
{
	*operands = (struct cli_operands){0};
	bool more_options = true;
	for (int i = 1; i < cli->argc; i++) {
		const char *arg = cli->argv[i];
		if (more_options && strcmp(arg, "--") == 0) {
			more_options = false;
		} else if (more_options && (strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0)) {
			struct buf b = BUF_INIT;
			help_verb(&b, verb);
			return cli_print(&b, 0);
		} else if (more_options && arg[0] == '-' && arg[1]) {
			int status = take_option(cli, verb, options, &i);
			if (status)
				return status;
		} else if (operands->count == CLI_OPERANDS_MAX) {
			return cli_usage(verb, E524_TOO_MANY_ARGUMENTS, verb->name);
		} else {
			operands->items[operands->count++] = arg;
		}
	}
	return -1;
}

int cli_number(const struct verb *verb, const char *option, const char *text, uint64_t least, uint64_t most, uint64_t *out)
{
	char *end;
	if (!text)
		return 0;
	errno = 0;
	unsigned long long v = strtoull(text, &end, 10);
	if (errno || *end || !*text || *text == '-' || v < least || v > most)
		return cli_usage(verb, E525_NO_NUMBER, verb->name, option, (unsigned long long)least,
		                 (unsigned long long)most, text);
	*out = v;
	return 0;
}

int cli_config(const struct cli *cli, struct config *config)
{
	soldr_error err = SOLDR_ERROR_INIT;
	if (!cli->cwd) {
		cli_error(E510_CWD_GONE);
		return STATUS_SOLDR;
	}
	if (config_load(config, &cli->overrides, cli->envp, cli->cwd, &err) == 0)
		return 0;
	cli_report(&err, NULL);
	return STATUS_SOLDR;
}

int cli_service(const struct cli *cli, const struct config *config, soldr_service **out)
{
	return cli_service_watched(cli, config, NULL, NULL, out);
}

int cli_service_watched(const struct cli *cli, const struct config *config, void (*said)(void *, uint32_t, const char *), void *arg,
                        soldr_service **out)
{
	soldr_error err = SOLDR_ERROR_INIT;
	struct host_options options = {.config = config, .envp = cli->envp, .cwd = cli->cwd, .said = said, .said_arg = arg};
	options.progress = rescue_arm(cli, config, false);
	if (front_give_way(cli, config, false, &err) == 0 && host_start(&options, out, &err) == 0)
		return 0;
	cli_report(&err, NULL);
	return STATUS_SOLDR;
}

const char **cli_env(const char *const *envp, const char *const *sets, size_t count)
{
	size_t n = 0;
	while (envp && envp[n])
		n++;
	const char **out = malloc((n + count + 1) * sizeof *out);
	if (!out)
		return NULL;
	if (n)
		memcpy(out, envp, n * sizeof *out);
	for (size_t s = 0; s < count; s++) {
		size_t len = strcspn(sets[s], "=") + 1, at = 0;
		while (at < n && strncmp(out[at], sets[s], len) != 0)
			at++;
		out[at] = sets[s];
		if (at == n)
			n++;
	}
	out[n] = NULL;
	return out;
}

static bool is_on(const char *const *envp, const char *name)
{
	const char *text = env_get(envp, name);
	bool on = false;
	return text && *text && config_parse_bool(text, &on) == 0 && on;
}

bool cli_bypass(const struct cli *cli)
{
	if (cli->overrides.backend)
		return false;
	const char *backend = env_get(cli->envp, "SOLDR_BACKEND");
	return (backend && strcmp(backend, "null") == 0) || is_on(cli->envp, "SOLDR_BYPASS") ||
	       is_on(cli->envp, "SOLDR_BYPASS_ZCCACHE");
}

unsigned cli_depth(const struct cli *cli)
{
	const char *text = env_get(cli->envp, "SOLDR_DEPTH");
	unsigned depth = 0;
	for (; text && *text >= '0' && *text <= '9' && depth < 1000; text++)
		depth = depth * 10 + (unsigned)(*text - '0');
	return depth;
}

void cli_depth_set(char text[CLI_DEPTH_TEXT], unsigned depth)
{
	snprintf(text, CLI_DEPTH_TEXT, "SOLDR_DEPTH=%u", depth + 1);
}
