/* SPDX-License-Identifier: Apache-2.0
 *
 * The least that a backend is: a device that stores but does not compute. Clone this folder to begin a new one, then
 *   1. choose a family name (the table at the end) and let score() look whether the machine has the device;
 *   2. put the device's own allocation behind buffer_create, constant_upload and memory_create;
 *   3. put its own command queue behind queue_*, and its own synchronisation behind events;
 *   4. accept one op in supports(), build it in program_create(), run it in queue_run(); let `krait test-ops --device <family>`
 *      compare it with the reference; then the next op. What supports() declines runs on another device meanwhile.
 * Contracts are in core/abi/backend_abi.h: this folder repeats none of them, and says only why it does what it does.
 * null_memory.c has buffers, weights and what sequences remember; null_queue.c programs and queues; null_event.c events.
 *
 * It is in C to show that no C++ is needed. Backends in C++ have most of this for nothing: backends/common/plugin_shim.hpp has
 * the checks and the catching of exceptions, backends/common/host_device.hpp everything for memory that the host can see.
 *
 * Nothing is shared between two devices, and devices share nothing that changes, so any thread may call anything. A queue
 * does its work inside the call; nothing is ever pending, so queue_sync has nothing to wait for.
 */
#include "backends/null/null_backend.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The exported name; the build gives another one where the plugin is linked into the program (KRAIT_STATIC_PLUGINS). */
#ifndef KRAIT_PLUGIN_QUERY_SYMBOL
#define KRAIT_PLUGIN_QUERY_SYMBOL krait_plugin_query
#endif

/* ---- errors ---------------------------------------------------------------------------------------------------- */

void fill_error(krait_error* err, krait_status status, const char* format, ...) {
    const size_t header = offsetof(krait_error, message);
    if (err != NULL && err->struct_size > header) {
        const size_t room = err->struct_size - header; /* the caller's; it may be of another version than ours */
        va_list args;
        va_start(args, format);
        err->code = status;
        vsnprintf(err->message, room < sizeof err->message ? room : sizeof err->message, format, args);
        va_end(args);
    }
}

/* ---- the machine and the device -------------------------------------------------------------------------------- */

/* Needs nothing, so it suits every machine. A real plugin asks the driver here, and says in why what is missing:
 * "no driver", "needs AVX2". */
static uint32_t score(krait_error* why) {
    (void)why;
    return 1;
}

static uint32_t device_count(void) { return 1; }

static krait_status device_info(uint32_t index, krait_device_info* info, krait_error* err) {
    NEED(info);
    if (info->struct_size < KRAIT_DEVICE_INFO_SIZE_2_0)
        return failed(err, KRAIT_STATUS_INVALID_ARGUMENT, "info has struct_size %u; it must be %u or more", info->struct_size,
                      KRAIT_DEVICE_INFO_SIZE_2_0);
    if (index >= device_count()) return failed(err, KRAIT_STATUS_NOT_FOUND, "no device %u of 'null': it has 1", index);
    krait_device_info filled = {
        .struct_size = info->struct_size,
        .kind = KRAIT_DEVICE_EMULATED,
        .name = "null",
        .features = "no-ops",
        .memory_total = MEMORY_TOTAL,
        .memory_free = MEMORY_TOTAL,
        .alignment = 64,
        .auto_rank = 0, /* `auto` must never choose a device that computes nothing */
    };
    /* The caller's struct may end before ours, or go on behind it. */
    memcpy(info, &filled, info->struct_size < sizeof filled ? info->struct_size : sizeof filled);
    return KRAIT_STATUS_OK;
}

static krait_status device_open(uint32_t index, const krait_open_params* params, krait_device** out, krait_error* err) {
    NEED_OUT(out);
    if (params != NULL && params->struct_size < KRAIT_OPEN_PARAMS_SIZE_2_0)
        return failed(err, KRAIT_STATUS_INVALID_ARGUMENT, "params has struct_size %u; it must be %u or more",
                      params->struct_size, KRAIT_OPEN_PARAMS_SIZE_2_0);
    const char* options = params != NULL ? params->options : NULL; /* params->executor: there are no loops to run */
    if (index >= device_count()) return failed(err, KRAIT_STATUS_NOT_FOUND, "no device %u of 'null': it has 1", index);
    if (options != NULL && options[0] != '\0')
        return failed(err, KRAIT_STATUS_INVALID_ARGUMENT, "unknown option '%.100s'; this device has no options", options);
    *out = calloc(1, sizeof **out);
    return *out != NULL ? KRAIT_STATUS_OK : failed(err, KRAIT_STATUS_OUT_OF_MEMORY, "no memory for a device");
}

static void device_close(krait_device* device) { free(device); }

static krait_status device_capabilities(krait_device* device, krait_device_capabilities* capabilities, krait_error* err) {
    NEED(capabilities);
    if (capabilities->struct_size < KRAIT_DEVICE_CAPABILITIES_SIZE_2_0)
        return failed(err, KRAIT_STATUS_INVALID_ARGUMENT, "capabilities has struct_size %u; it must be %u or more",
                      capabilities->struct_size, KRAIT_DEVICE_CAPABILITIES_SIZE_2_0);
    NEED(device);
    const krait_device_capabilities filled = {
        .struct_size = capabilities->struct_size,
        .flags = KRAIT_DEVICE_MAPS_BUFFERS | KRAIT_DEVICE_IMPORTS_HOST,
        .quantized_rounding = KRAIT_ROUNDING_NONE,
        .half_rounding = KRAIT_ROUNDING_NONE,
    };
    memcpy(capabilities, &filled, capabilities->struct_size < sizeof filled ? capabilities->struct_size : sizeof filled);
    return KRAIT_STATUS_OK;
}

/* ---- the table ------------------------------------------------------------------------------------------------- */

/* Generated constants: a plugin that was built before an operator is not asked about it. */
static const krait_op_version ops[] = {KRAIT_OP_VERSIONS};

static const krait_backend table = {
    .struct_size = sizeof(krait_backend),
    .abi_version = KRAIT_ABI_VERSION,
    .formats_hash = KRAIT_FORMATS_HASH,
    .ops = ops,
    .n_ops = sizeof ops / sizeof *ops,
    .family = "null",
    .variant = "",
    .version = KRAIT_PLUGIN_VERSION,
    .score = score,
    .device_count = device_count,
    .device_info = device_info,
    .device_open = device_open,
    .device_close = device_close,
    .device_capabilities = device_capabilities,
    .buffer_create = buffer_create,
    .buffer_import_host = buffer_import_host,
    .buffer_destroy = buffer_destroy,
    .buffer_size = buffer_size,
    .buffer_map = buffer_map,
    .constant_upload = constant_upload,
    .memory_create = memory_create,
    .supports = supports,
    .program_create = program_create,
    .program_destroy = program_destroy,
    .queue_create = queue_create,
    .queue_destroy = queue_destroy,
    .queue_write = queue_write,
    .queue_read = queue_read,
    .queue_copy = queue_copy,
    .queue_run = queue_run,
    .queue_memory_export = queue_memory_export,
    .queue_memory_import = queue_memory_import,
    .queue_memory_copy = queue_memory_copy,
    .queue_sync = queue_sync,
    .event_create = event_create,
    .event_destroy = event_destroy,
    .queue_signal = queue_signal,
    .queue_wait = queue_wait,
    .event_value = event_value,
    .event_wait = event_wait,
};

/* The one symbol. A plugin that logs keeps host. */
KRAIT_PLUGIN_EXPORT const krait_backend* KRAIT_PLUGIN_QUERY_SYMBOL(uint32_t host_abi_version, const krait_host* host);
const krait_backend* KRAIT_PLUGIN_QUERY_SYMBOL(uint32_t host_abi_version, const krait_host* host) {
    (void)host;
    if (host_abi_version >> 16 != KRAIT_ABI_MAJOR) return NULL;
    return &table;
}
