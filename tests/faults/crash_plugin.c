/* SPDX-License-Identifier: Apache-2.0
 *
 * A plugin that crashes as soon as it is asked for its table; with KRAIT_QUIT it ends the process as if all were well. */
#include <signal.h>
#include <unistd.h>

#include "core/abi/backend_abi.h"

KRAIT_PLUGIN_EXPORT const krait_backend* krait_plugin_query(uint32_t host_abi_version, const krait_host* host);

const krait_backend* krait_plugin_query(uint32_t host_abi_version, const krait_host* host) {
    (void)host_abi_version;
    (void)host;
#if defined(KRAIT_QUIT)
    _exit(0);
#else
    raise(SIGSEGV);
#endif
    return 0;
}
