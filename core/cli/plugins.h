/*
 * plugins: the backends that can be selected, and whether each could be used.
 */
#ifndef SOLDR_CLI_PLUGINS_H
#define SOLDR_CLI_PLUGINS_H

#include "config.h"
#include "loader.h"

/* made_up: a built-in that the config does not mention. */
typedef void (*plugins_visit_fn)(void *arg, const struct config_backend *, bool made_up, bool selected);

/* The config's backends in its order, then the built-in ones. */
void plugins_visit(const struct config *, plugins_visit_fn, void *arg);

/* Finds and loads the plugin and checks the backend's options against it. On success: plugin_unload(). */
int plugins_try(const struct config *, const struct config_backend *, struct plugin *, soldr_error *);

/* Its file, or that soldr holds it itself: for messages. */
const char *plugins_place(const struct plugin *);

#endif
