/*
 * soldr/reason.h: the stable names of why a request was not a hit.
 *
 * One table; stats, journal, docs and counters are generated from it. Names
 * are never renamed or reused, and the order is the order of the counters on
 * disk: new names go to the end.
 *
 * SOLDR_REASONS(X) calls X(IDENTIFIER, "name", KIND, "what it means") for each.
 * KIND is MISS (the compiler ran and the result is kept), REFUSAL (not
 * cacheable), FAULT (something of soldr failed) or BACKEND (said by a backend
 * outside this table).
 */
#ifndef SOLDR_REASON_H
#define SOLDR_REASON_H

#define SOLDR_REASONS(X) \
	X(NONE, "none", MISS, "no reason given") \
	X(OTHER, "other", BACKEND, "a reason of a backend that this table does not know") \
	X(NOT_SEEN, "not_seen", MISS, "this compile was never stored, or was evicted") \
	X(INPUT_CHANGED, "input_changed", MISS, "the source or a header has other content") \
	X(INPUT_MISSING, "input_missing", MISS, "a file that was read is gone") \
	X(INPUT_SHADOWED, "input_shadowed", MISS, "a new file is found earlier on the include path") \
	X(COMPILER_CHANGED, "compiler_changed", MISS, "the compiler or a program it runs has other content") \
	X(TERMINAL_DIFFERS, "terminal_differs", MISS, "stored for another kind of terminal") \
	X(ENTRY_MISSING, "entry_missing", MISS, "the entry was evicted") \
	X(ENTRY_CORRUPT, "entry_corrupt", MISS, "a store file failed its check and was removed") \
	X(RECACHE, "recache", MISS, "SOLDR_RECACHE asked for a fresh compile") \
	X(READONLY, "readonly", REFUSAL, "not found, and the store is read-only") \
	X(PROBE, "probe", REFUSAL, "a question to the compiler, not a compile") \
	X(LINK, "link", REFUSAL, "a link, or compile and link in one") \
	X(PREPROCESS_ONLY, "preprocess_only", REFUSAL, "-E, -M or -MM") \
	X(STDIN_INPUT, "stdin_input", REFUSAL, "the source comes from standard input") \
	X(STDOUT_OUTPUT, "stdout_output", REFUSAL, "the object goes to standard output") \
	X(NO_INPUT, "no_input", REFUSAL, "no source file") \
	X(MULTIPLE_INPUTS, "multiple_inputs", REFUSAL, "several source files in one call that cannot be taken apart") \
	X(UNKNOWN_LANGUAGE, "unknown_language", REFUSAL, "a language that is not cached") \
	X(UNKNOWN_COMPILER, "unknown_compiler", REFUSAL, "not a compiler that this backend knows") \
	X(COMPILER_SCRIPT, "compiler_script", REFUSAL, "the compiler is a script that cannot be followed; compiler_scripts can declare its command") \
	X(NESTED_WRAPPER, "nested_wrapper", REFUSAL, "the compiler is itself a compile wrapper") \
	X(UNSUPPORTED_OPTION, "unsupported_option", REFUSAL, "an option whose effect is not cached") \
	X(UNKNOWN_FILE_OPTION, "unknown_file_option", REFUSAL, "an unknown option that names a file") \
	X(SIDE_OUTPUT, "side_output", REFUSAL, "an option that writes further files which a hit cannot restore") \
	X(PROFILE, "profile", REFUSAL, "profile data is read or written in a way that is not followed") \
	X(MODULES, "modules", REFUSAL, "C++ or Clang modules") \
	X(PRECOMPILED_HEADER, "precompiled_header", REFUSAL, "a precompiled header that was not made through this store, or is made in a way that is not cached") \
	X(RESPONSE_FILE, "response_file", REFUSAL, "a response file cannot be read") \
	X(DEPFILE_UNCLEAR, "depfile_unclear", REFUSAL, "dependency options that are not understood together") \
	X(ENVIRONMENT, "environment", REFUSAL, "a variable changes outputs or options of the compiler") \
	X(TIME_MACRO, "time_macro", REFUSAL, "a macro for today's date, the time or a file's time may be expanded") \
	X(EMBEDDED_FILE, "embedded_file", REFUSAL, "a directive of the assembler or of the language reads a file that no list names") \
	X(TIME_COMPARISON, "time_comparison", REFUSAL, "a construct that compares file times") \
	X(INPUT_MODIFIED, "input_modified", REFUSAL, "an input changed while the compiler ran") \
	X(INPUTS_UNKNOWN, "inputs_unknown", REFUSAL, "the compiler's list of inputs could not be read") \
	X(INPUT_UNREADABLE, "input_unreadable", REFUSAL, "an input cannot be read or is no regular file") \
	X(OUTPUT_SPECIAL, "output_special", REFUSAL, "the output is a directory, link, device or unwritable") \
	X(OUTPUT_MISSING, "output_missing", REFUSAL, "the compiler wrote no output") \
	X(COMPILE_FAILED, "compile_failed", REFUSAL, "the compiler reported an error") \
	X(COMPILER_KILLED, "compiler_killed", REFUSAL, "a signal ended the compiler") \
	X(TOO_LARGE, "too_large", REFUSAL, "larger than a limit of the store") \
	X(STDIO_CLOSED, "stdio_closed", REFUSAL, "standard output or error is closed") \
	X(RUSTC, "rustc", REFUSAL, "a program of Rust that is not cached, or a toolchain that only rustup knows") \
	X(NULL_BACKEND, "null_backend", REFUSAL, "the null backend never caches") \
	X(EXTERNAL_MISS, "external_miss", MISS, "the wrapped cache missed") \
	X(EXTERNAL_UNCACHEABLE, "external_uncacheable", REFUSAL, "the wrapped cache called it uncacheable") \
	X(EXTERNAL_UNKNOWN, "external_unknown", REFUSAL, "the wrapped cache did not say what it did") \
	X(STORE_FAILED, "store_failed", FAULT, "the result could not be written to the store") \
	X(DISK_FULL, "disk_full", FAULT, "no space for the store") \
	X(CACHE_UNUSABLE, "cache_unusable", FAULT, "the cache directory cannot be used") \
	X(BACKEND_OPEN_FAILED, "backend_open_failed", FAULT, "the backend could not be opened") \
	X(BACKEND_ERROR, "backend_error", FAULT, "the backend failed at this request") \
	X(PLUGIN_REFUSED, "plugin_refused", FAULT, "the plugin file was not accepted") \
	X(AUDIT_LOST, "audit_lost", FAULT, "a line of the journal could not be written") \
	X(OUTPUT_CONTENDED, "output_contended", REFUSAL, "another process wrote to the same output meanwhile") \
	X(VERIFIED, "verified", MISS, "a hit that was compiled anyway to check it; the results were the same") \
	X(VERIFY_MISMATCH, "verify_mismatch", MISS, "a hit that was compiled anyway to check it; the compiler gave something else") \
	X(CHECKOUT_DIFFERS, "checkout_differs", MISS, "stored for another checkout, whose path the result holds") \
	X(VERIFY_UNDECIDED, "verify_undecided", MISS, "a hit that was compiled anyway to check it; the compiler does not give the same twice") \
	X(VARIABLE_CHANGED, "variable_changed", MISS, "a variable that the source reads has another value, or the output directory is another") \
	X(CRATES_UNKNOWN, "crates_unknown", REFUSAL, "which crates the compiler may load cannot be told") \
	X(LINK_UNKNOWN, "link_unknown", REFUSAL, "what the linker reads cannot be told") \
	X(JOURNAL_FULL, "journal_full", FAULT, "the journal of the run has reached its limit; the line is left out") \
	X(BACKEND_CRASHED, "backend_crashed", FAULT, "the plugin died, or ended the process; the compiler ran without it")

enum soldr_reason_kind {
	SOLDR_REASON_KIND_MISS,
	SOLDR_REASON_KIND_REFUSAL,
	SOLDR_REASON_KIND_FAULT,
	SOLDR_REASON_KIND_BACKEND
};

enum soldr_reason {
#define SOLDR_REASON_ENUM_(id, name, kind, text) SOLDR_REASON_##id,
	SOLDR_REASONS(SOLDR_REASON_ENUM_)
#undef SOLDR_REASON_ENUM_
	SOLDR_REASON_COUNT
};

#endif
