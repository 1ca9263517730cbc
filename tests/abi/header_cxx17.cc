// The public headers compile alone in C++17 with every warning on, and a backend can be written in it.
#include <soldr/backend.h>
#include <soldr/reason.h>
#include <soldr/service.h>

namespace {

int32_t open_backend(const soldr_host *, const soldr_kv *, uint32_t, soldr_instance **, soldr_error *)
{
	return SOLDR_OK;
}

int32_t compile(soldr_instance *, const soldr_request *, soldr_result *, soldr_error *)
{
	return SOLDR_OK;
}

void close_backend(soldr_instance *)
{
}

const soldr_backend table = {
	sizeof(soldr_backend), SOLDR_ABI, SOLDR_CAP_CONCURRENT, "cxx", "1.0", nullptr, open_backend, compile, close_backend,
	nullptr, nullptr, nullptr, nullptr, nullptr,
};

} // namespace

static_assert(SOLDR_ABI_MAJOR_OF(SOLDR_ABI) == SOLDR_ABI_MAJOR, "major of an abi number");
static_assert(SOLDR_BACKEND_SIZE_1_0 < sizeof(soldr_backend), "optional members follow the 1.0 table");

const soldr_backend *soldr_backend_v1(uint32_t, soldr_error *)
{
	return &table;
}
