/* SPDX-License-Identifier: Apache-2.0
 *
 * The null backend with one thing changed. CHANGE: a statement on `table`; SCORE and WHY: what score() says; ASKED: the variable of the
 * environment that it sets; RETURN_NULL: the query gives no table; NO_QUERY: the library exports nothing; SAYS: what it logs as a warning,
 * three times, and once as debugging.
 */
#define _POSIX_C_SOURCE 200809L /* setenv */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/abi/backend_abi.h"

const krait_backend* krait_null_query(uint32_t host_abi_version, const krait_host* host);

#ifdef SCORE
static uint32_t score(krait_error* why) {
#ifdef ASKED
    setenv(ASKED, "1", 1);
#endif
    if (why != NULL) snprintf(why->message, sizeof why->message, "%s", WHY);
    return SCORE;
}
#endif

#ifdef NO_QUERY
const krait_backend* krait_plugin_query_misspelt(uint32_t host_abi_version, const krait_host* host);
KRAIT_PLUGIN_EXPORT const krait_backend* krait_plugin_query_misspelt(uint32_t host_abi_version, const krait_host* host) {
#else
KRAIT_PLUGIN_EXPORT const krait_backend* krait_plugin_query(uint32_t host_abi_version, const krait_host* host);
const krait_backend* krait_plugin_query(uint32_t host_abi_version, const krait_host* host) {
#endif
    static krait_backend table;
    memcpy(&table, krait_null_query(host_abi_version, host), sizeof table);
    CHANGE;
#ifdef SAYS
    for (int i = 0; i < 3; ++i) host->log(host->context, KRAIT_LOG_WARN, SAYS);
    host->log(host->context, KRAIT_LOG_DEBUG, "in detail, " SAYS);
#endif
#ifdef SCORE
    table.score = score;
#endif
#ifdef RETURN_NULL
    return NULL;
#else
    return &table;
#endif
}
