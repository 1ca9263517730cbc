/*
 * reason_mend: for reasons of <soldr/reason.h>, what a user can do about them.
 *
 * SOLDR_MENDS(X) calls X(IDENTIFIER, "what to do") for each. Every refusal and
 * fault has a row; a miss has one where there is something to do.
 * docs/reasons.md and `soldr help reasons` show the table, `soldr why` its row.
 */
#ifndef SOLDR_SERVICE_REASON_MEND_H
#define SOLDR_SERVICE_REASON_MEND_H

#define SOLDR_MENDS(X) \
	X(NOT_SEEN, "nothing the first time; when it comes back, compare options and environment of the two builds") \
	X(INPUT_SHADOWED, "remove the new file, or put its directory behind the other on the include path") \
	X(TERMINAL_DIFFERS, "set -fdiagnostics-color=always or never in the build, so that messages are the same everywhere") \
	X(ENTRY_MISSING, "raise max_size of the backend if this happens often") \
	X(ENTRY_CORRUPT, "run soldr cache verify --repair; if it comes back, check the disk") \
	X(RECACHE, "unset SOLDR_RECACHE") \
	X(CHECKOUT_DIFFERS, "leave out what names the checkout (-g without a prefix map, __FILE__), or accept one compile for each checkout") \
	X(VERIFY_MISMATCH, "look at the newest directory below evidence in the cache root, and report it") \
	X(READONLY, "unset SOLDR_READONLY, or readonly in the config, where results may be stored") \
	X(PROBE, "nothing: a question is quick") \
	X(LINK, "compile with -c and link in a call of its own") \
	X(PREPROCESS_ONLY, "nothing: preprocessing is not cached; compile with -c in one step where the build preprocesses by itself") \
	X(STDIN_INPUT, "give the source by its name") \
	X(STDOUT_OUTPUT, "write the object to a file (-o FILE)") \
	X(NO_INPUT, "name a source file; the compiler says more") \
	X(MULTIPLE_INPUTS, "compile each source in a call of its own") \
	X(UNKNOWN_LANGUAGE, "nothing: only C, C++, Objective-C, assembly and Rust are cached") \
	X(UNKNOWN_COMPILER, "call gcc, g++, clang, clang++ or rustc, or a link to one of them; declare a script under compiler_scripts") \
	X(COMPILER_SCRIPT, "declare what the script runs under compiler_scripts of the backend's options") \
	X(NESTED_WRAPPER, "take the other wrapper (ccache, sccache, distcc) out of the compiler's name; backend wrapped runs one behind soldr") \
	X(UNSUPPORTED_OPTION, "leave the option out where the build does not need it") \
	X(UNKNOWN_FILE_OPTION, "leave the option out, or report it: an option that reads a file must be known to be cached") \
	X(SIDE_OUTPUT, "leave the option out of builds that shall be cached") \
	X(PROFILE, "name the profile by -fprofile-use=FILE; builds that write profiles are not cached") \
	X(MODULES, "compile without modules; they are not cached") \
	X(PRECOMPILED_HEADER, "build without precompiled headers: with a cache they rarely pay") \
	X(RESPONSE_FILE, "make the response file readable, and let no file name itself") \
	X(DEPFILE_UNCLEAR, "ask for one dependency file, by -MD or -MMD with -MF") \
	X(ENVIRONMENT, "unset the variable for the build") \
	X(TIME_MACRO, "take __DATE__, __TIME__ and __TIMESTAMP__ out of the source, or set SOURCE_DATE_EPOCH for GCC") \
	X(EMBEDDED_FILE, "put what is embedded into an array that the build generates, or accept a compile each time") \
	X(TIME_COMPARISON, "take the comparison of file times out of the source") \
	X(INPUT_MODIFIED, "let the step that writes the file end before the compile begins") \
	X(INPUTS_UNKNOWN, "see the log (SOLDR_LOG=info); for preprocessed sources mend the warnings") \
	X(INPUT_UNREADABLE, "make the file readable, and a regular one") \
	X(OUTPUT_SPECIAL, "write to a regular file in a directory that may be written to") \
	X(OUTPUT_MISSING, "let the compiler write the file that -o names") \
	X(COMPILE_FAILED, "mend what the compiler reports; failing compiles are never stored") \
	X(COMPILER_KILLED, "look for what ended the compiler: memory, a limit, an interrupt") \
	X(TOO_LARGE, "raise max_entry_size of the backend, or split the unit") \
	X(STDIO_CLOSED, "leave standard output and error open for the compiler") \
	X(RUSTC, "call rustc or clippy-driver; for a rustup toolchain make the one that the build asks for installed") \
	X(NULL_BACKEND, "select another backend (SOLDR_BACKEND, or backend in the config)") \
	X(EXTERNAL_UNCACHEABLE, "ask the wrapped cache's own log for its reason") \
	X(EXTERNAL_UNKNOWN, "nothing: the wrapped cache keeps it to itself") \
	X(STORE_FAILED, "make the cache root writable; logs/soldr.log in it says what failed") \
	X(DISK_FULL, "make room on the cache's disk, or lower max_size of the backend") \
	X(CACHE_UNUSABLE, "run soldr doctor; it says what is wrong with the cache root and how to mend it") \
	X(BACKEND_CRASHED, "run soldr plugin check on the plugin's file, and tell its author; the fault log has what it died of") \
	X(BACKEND_OPEN_FAILED, "run soldr doctor; it says why the backend does not open") \
	X(BACKEND_ERROR, "see logs/soldr.log in the cache root, and report it if it comes back") \
	X(PLUGIN_REFUSED, "run soldr doctor; it says why the plugin file is not accepted") \
	X(AUDIT_LOST, "make room on the cache's disk, or set audit.mode: off") \
	X(OUTPUT_CONTENDED, "let one step of the build write each output") \
	X(VERIFY_UNDECIDED, "nothing: the compiler itself gives other bytes each time") \
	X(CRATES_UNKNOWN, "name every crate by --extern NAME=PATH, as cargo does") \
	X(LINK_UNKNOWN, "link by cc, gcc or clang with one crate type in a call") \
	X(JOURNAL_FULL, "raise audit.max_journal_size, or set audit.mode: summary")

#endif
