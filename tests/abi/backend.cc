// A whole backend in C++17: it runs each compile, and remembers in its instance how many there were.
#include <soldr/backend.h>

#include <cstdio>
#include <new>

struct soldr_instance {
	const soldr_host *host;
	unsigned long served = 0;
};

namespace {

int32_t fail(soldr_error *err, int32_t code, const char *message)
{
	err->code = code;
	std::snprintf(err->origin, sizeof err->origin, "cxx");
	std::snprintf(err->message, sizeof err->message, "%s", message);
	return code;
}

int32_t open_backend(const soldr_host *host, const soldr_kv *, uint32_t, soldr_instance **out, soldr_error *err)
{
	// No exception may leave a function of the table.
	auto *instance = new (std::nothrow) soldr_instance{host};
	if (!instance)
		return fail(err, SOLDR_E_NOMEM, "out of memory");
	*out = instance;
	return SOLDR_OK;
}

int32_t compile(soldr_instance *instance, const soldr_request *request, soldr_result *result, soldr_error *err)
{
	soldr_spawn spawn = {};
	spawn.struct_size = sizeof spawn;
	spawn.file = request->compiler;
	spawn.argv = request->argv;
	soldr_exit ended = {};
	ended.struct_size = sizeof ended;
	int32_t rc = instance->host->run(instance->host->core, request->id, &spawn, &ended, err);
	if (rc != SOLDR_OK)
		return rc;
	instance->served++;
	result->outcome = SOLDR_OUTCOME_PASSTHROUGH;
	result->exit_code = ended.exit_code;
	result->signal = ended.signal;
	std::snprintf(result->reason, sizeof result->reason, "number_%lu", instance->served);
	return SOLDR_OK;
}

void close_backend(soldr_instance *instance)
{
	delete instance;
}

const soldr_backend table = {
	sizeof(soldr_backend), SOLDR_ABI, 0, "cxx", "1.0", nullptr, open_backend, compile, close_backend,
	nullptr, nullptr, nullptr, nullptr, nullptr,
};

} // namespace

const soldr_backend *soldr_backend_v1(uint32_t, soldr_error *)
{
	return &table;
}
