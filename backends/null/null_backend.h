/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the null device share: its handles, its way to fail, and the functions of its table.
 */
#ifndef KRAIT_NULL_BACKEND_H
#define KRAIT_NULL_BACKEND_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <threads.h>

#include <core/abi/op_versions.h> /* written by the build */

/* ---- handles: the ABI names these structs and leaves their content to the plugin ------------------------------- */

struct krait_device {
    char unused; /* a real one: context, allocator, limits, options */
};

/* As every device, this one has an end, and says so instead of asking the operating system for the impossible. */
#define MEMORY_TOTAL ((uint64_t)1 << 32)

enum content { CONTENT_VALUES, CONTENT_CONSTANT, CONTENT_MEMORY };

struct krait_buffer {
    krait_device* device;
    enum content content;
    unsigned char* bytes;
    bool owned; /* false: imported, the host frees it */
    uint64_t size;
    krait_memory_desc memory; /* of CONTENT_MEMORY, without uses: units one after another, in the canonical layout */
};

struct krait_queue {
    krait_device* device;
};

struct krait_event {
    krait_device* device;
    atomic_uint_fast64_t value;
    mtx_t mutex; /* only so that a wait cannot miss the moment between its test and its sleep */
    cnd_t advanced;
};

/* ---- errors ---------------------------------------------------------------------------------------------------- */

/* Every failure: fills err where there is one, and is the status: return failed(err, KRAIT_STATUS_..., "...", ...). A macro, so
 * that static analysis of a caller sees that a failure is not KRAIT_STATUS_OK. */
void fill_error(krait_error* err, krait_status status, const char* format, ...);
#define failed(err, status, ...) (fill_error(err, status, __VA_ARGS__), status)
#define null_argument(err, name) failed(err, KRAIT_STATUS_INVALID_ARGUMENT, "'%s' is NULL", name)

/* For pointers that a caller must give; NEED_OUT also clears what the caller will look at after a failure. */
#define NEED(pointer)                                               \
    do {                                                            \
        if ((pointer) == NULL) return null_argument(err, #pointer); \
    } while (0)
#define NEED_OUT(out)  \
    do {               \
        NEED(out);     \
        *(out) = NULL; \
    } while (0)

/* ---- the functions of the table that other files define ------------------------------------------------------------ */

krait_status buffer_create(krait_device* device, uint32_t kind, uint64_t size, krait_buffer** out, krait_error* err);
krait_status buffer_import_host(krait_device* device, void* bytes, uint64_t size, krait_buffer** out, krait_error* err);
void buffer_destroy(krait_buffer* buffer);
uint64_t buffer_size(const krait_buffer* buffer);
krait_status buffer_map(krait_buffer* buffer, void** out, krait_error* err);
krait_status constant_upload(krait_device* device, const krait_tensor_desc* desc, const krait_use* uses, uint32_t n_uses,
                             const void* bytes, uint64_t size, uint32_t flags, krait_buffer** out, krait_error* err);
uint64_t unit_bytes(const krait_memory_desc* desc);
krait_status memory_create(krait_device* device, const krait_memory_desc* desc, krait_buffer** out, krait_error* err);
krait_status supports(krait_device* device, const krait_graph* graph, uint32_t node, krait_error* why);
krait_status program_create(krait_device* device, const krait_graph* graph, krait_program** out, krait_error* err);
void program_destroy(krait_program* program);
krait_status queue_create(krait_device* device, krait_queue** out, krait_error* err);
void queue_destroy(krait_queue* queue);
krait_status queue_write(krait_queue* queue, krait_buffer* dst, uint64_t dst_offset, const void* src, uint64_t size,
                         krait_error* err);
krait_status queue_read(krait_queue* queue, void* dst, krait_buffer* src, uint64_t src_offset, uint64_t size, krait_error* err);
krait_status queue_copy(krait_queue* queue, krait_buffer* dst, uint64_t dst_offset, krait_buffer* src, uint64_t src_offset,
                        uint64_t size, krait_error* err);
krait_status queue_run(krait_queue* queue, krait_program* program, const int64_t* sizes, uint32_t n_sizes, krait_error* err);
krait_status queue_memory_export(krait_queue* queue, krait_buffer* memory, int64_t unit, void* dst, uint64_t size,
                                 krait_error* err);
krait_status queue_memory_import(krait_queue* queue, krait_buffer* memory, int64_t unit, const void* src, uint64_t size,
                                 krait_error* err);
krait_status queue_memory_copy(krait_queue* queue, krait_buffer* memory, int64_t src_unit, int64_t dst_unit, krait_error* err);
krait_status queue_sync(krait_queue* queue, krait_error* err);
krait_status event_create(krait_device* device, krait_event** out, krait_error* err);
void event_destroy(krait_event* event);
uint64_t event_value(krait_event* event);
krait_status queue_signal(krait_queue* queue, krait_event* event, uint64_t value, krait_error* err);
krait_status queue_wait(krait_queue* queue, krait_event* event, uint64_t value, krait_error* err);
krait_status event_wait(krait_event* event, uint64_t value, uint64_t timeout_ns, krait_error* err);

#endif
