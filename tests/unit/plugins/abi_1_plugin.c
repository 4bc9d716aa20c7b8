/* SPDX-License-Identifier: Apache-2.0
 *
 * A plugin as it was built for version 1 of the plugin ABI, whose table began in this way. BUILT_FOR: its version of the ABI;
 * 1.0 tells a host of another major version that it cannot work with it, 1.2 hands out its table all the same.
 */
#include <stddef.h>
#include <stdint.h>

struct abi_1_table {
    uint32_t struct_size;
    uint32_t abi_version;
    uint64_t schema_hash;
    const char* family;
    const char* variant;
    const char* version;
    void (*functions[31])(void);
};

__attribute__((visibility("default"))) const void* krait_plugin_query(uint32_t host_abi_version, const void* host);
const void* krait_plugin_query(uint32_t host_abi_version, const void* host) {
    static const struct abi_1_table table = {sizeof table, BUILT_FOR, 0x1234, "first", "", "1", {NULL}};
    (void)host;
    return BUILT_FOR == 0x10000 && host_abi_version >> 16 != 1 ? NULL : &table;
}
