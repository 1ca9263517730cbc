/*
 * toolchain: which files stand behind "rustc".
 *
 * With rustup, rustc is a proxy that chooses a toolchain. The choice is made
 * here in rustup's own order: "+name", RUSTUP_TOOLCHAIN, then from the working
 * directory upwards an override or a toolchain file, then the default (rustup
 * book, "Overrides"). So a hit never runs the proxy.
 */
#ifndef EMBEDDED_TOOLCHAIN_H
#define EMBEDDED_TOOLCHAIN_H

#include "args_rustc.h"
#include "identity.h"

/* A program of that path is rustup, under whichever name it was called. */
bool toolchain_is_proxy(const char *real);
/*
 * The program `name` ("rustc", "clippy-driver") that the proxy would run,
 * links resolved, malloc'ed. NULL: not known without asking rustup (no such
 * toolchain yet, a toolchain file with more than a channel); why: what is unclear.
 */
char *toolchain_program(const soldr_request *, const char *name, const char *chosen, char *why, size_t why_size);
/*
 * The programs and libraries of the compiler: the driver and its shared
 * libraries, and all that the target's library directory holds. real: the
 * program behind the proxy, if there is one. Remembered like identity_get.
 */
int toolchain_identity(struct identity *, const soldr_host *, const soldr_request *, const char *real, const struct rust_call *,
                       struct store *, soldr_error *);

#endif
