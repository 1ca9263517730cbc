/* command: see command.h. */
#include "command.h"

#include <stdlib.h>
#include <string.h>

const char *command_template_fault(const char *const *items)
{
	unsigned args = 0;
	for (; *items; items++) {
		size_t len = strlen(*items);
		if (strcmp(*items, COMMAND_ARGS) == 0)
			args++;
		else if (strcmp(*items, COMMAND_COMPILER) != 0 && len > 1 && **items == '{' && (*items)[len - 1] == '}')
			return "has an element in braces that is neither " COMMAND_COMPILER " nor " COMMAND_ARGS;
	}
	/* Without it the tool would be called with none of the compiler's arguments, and seem to succeed. */
	return args == 1 ? NULL : "needs the element " COMMAND_ARGS " exactly once";
}

const char **command_argv(const char *tool, const char *const *items, const soldr_request *request)
{
	size_t count = 2 + request->argc; /* tool, arguments, NULL */
	for (size_t i = 0; items[i]; i++)
		count++;
	const char **argv = calloc(count, sizeof *argv);
	if (!argv)
		return NULL;
	size_t n = 0;
	argv[n++] = tool;
	for (; *items; items++) {
		if (strcmp(*items, COMMAND_COMPILER) == 0) {
			argv[n++] = request->compiler;
		} else if (strcmp(*items, COMMAND_ARGS) == 0) {
			for (uint32_t i = 1; i < request->argc; i++)
				argv[n++] = request->argv[i];
		} else {
			argv[n++] = *items;
		}
	}
	return argv;
}

const char **command_environment(const soldr_request *request, size_t extra)
{
	const char **envp = calloc(request->envc + extra + 1, sizeof *envp);
	if (envp && request->envc)
		memcpy(envp, request->envp, request->envc * sizeof *envp);
	return envp;
}

void command_environment_set(const char **envp, const char *entry)
{
	size_t name = strcspn(entry, "=") + 1;
	const char **to = envp;
	bool placed = false;
	for (const char **from = envp; *from; from++) {
		if (strncmp(*from, entry, name) != 0)
			*to++ = *from;
		else if (!placed)
			*to++ = entry, placed = true;
	}
	if (!placed)
		*to++ = entry;
	*to = NULL;
}
