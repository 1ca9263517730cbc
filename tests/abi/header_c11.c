/* The public headers compile alone, in either order, in C11 with every warning on. */
#include <soldr/service.h>

#include <soldr/backend.h>
#include <soldr/reason.h>

/* What ABI 1.0 fixes for ever on a 64-bit machine: a member that moves breaks every plugin that exists. */
#if UINTPTR_MAX > 0xffffffff
#define AT(type, member, offset) \
	_Static_assert(offsetof(type, member) == (offset), #type "." #member " moved")
AT(soldr_error, message, 44);
AT(soldr_option_spec, name, 16);
AT(soldr_option_spec, min, 32);
AT(soldr_option_spec, help, 56);
AT(soldr_request, argv, 24);
AT(soldr_request, columns, 68);
AT(soldr_result, time_saved_ns, 16);
AT(soldr_result, detail, 72);
AT(soldr_spawn, file, 8);
AT(soldr_spawn, capture_max, 48);
AT(soldr_exit, stdout_data, 16);
AT(soldr_exit, start_realtime_ns, 56);
AT(soldr_host, core, 8);
AT(soldr_host, emit, 64);
AT(soldr_host, submit, 88);
AT(soldr_stat, name, 8);
AT(soldr_report, message, 40);
AT(soldr_backend, caps, 8);
AT(soldr_backend, options, 32);
AT(soldr_backend, open, 40);
AT(soldr_backend, close, 56);
AT(soldr_backend, stats, 64);
AT(soldr_backend, explain, 96);
_Static_assert(SOLDR_BACKEND_SIZE_1_0 == 64, "the 1.0 table changed its size");
#endif

int soldr_header_c11(void);

int soldr_header_c11(void)
{
	const soldr_service_config config = SOLDR_SERVICE_CONFIG_INIT;
	const soldr_error error = {.struct_size = sizeof error};
	return (int)SOLDR_REASON_COUNT + (int)config.struct_size + error.code;
}
