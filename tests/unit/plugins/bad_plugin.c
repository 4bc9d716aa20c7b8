/* SPDX-License-Identifier: Apache-2.0
 *
 * The null backend with one thing changed. CHANGE: a statement on `table`; SCORE and WHY: what score() says; ASKED: the
 * variable of the environment that it sets; RETURN_NULL: the query gives no table; NO_QUERY: the library exports nothing; SAYS:
 * what it logs as a warning, three times, and once as debugging; WITHOUT_OP: an operator that it does not know, and says so
 * when it is asked about it.
 */
#define _POSIX_C_SOURCE 200809L /* setenv */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/abi/backend_abi.h"

const krait_backend* krait_null_query(uint32_t host_abi_version, const krait_host* host);

static krait_backend table;

/* The operators of the table with entry `i`, which may be one behind the last, made `op` with other bits in its hash. */
__attribute__((unused)) static void list_op(uint32_t i, uint32_t op, uint64_t flip) {
    static krait_op_version ops[64];
    memcpy(ops, table.ops, table.n_ops * sizeof *ops);
    ops[i].op = op;
    ops[i].hash ^= flip;
    table.ops = ops;
}

#ifdef WITHOUT_OP
static krait_status (*null_upload)(krait_device*, const krait_tensor_desc*, const krait_use*, uint32_t, const void*, uint64_t,
                                   uint32_t, krait_buffer**, krait_error*);

static krait_status constant_upload(krait_device* device, const krait_tensor_desc* desc, const krait_use* uses, uint32_t n_uses,
                                    const void* bytes, uint64_t size, uint32_t flags, krait_buffer** out, krait_error* err) {
    for (uint32_t i = 0; i < n_uses; ++i)
        if (uses[i].op == WITHOUT_OP) {
            snprintf(err->message, sizeof err->message, "a use of an operator that this plugin does not know");
            return KRAIT_STATUS_INVALID_ARGUMENT;
        }
    return null_upload(device, desc, uses, n_uses, bytes, size, flags, out, err);
}
#endif

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
    memcpy(&table, krait_null_query(host_abi_version, host), sizeof table);
    CHANGE;
#ifdef WITHOUT_OP
    null_upload = table.constant_upload;
    table.constant_upload = constant_upload;
#endif
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
