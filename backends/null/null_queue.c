/* SPDX-License-Identifier: Apache-2.0
 *
 * Queues and programs of the null device. A queue does its work inside the call; nothing is ever pending.
 */
#include <stdlib.h>
#include <string.h>

#include "backends/null/null_backend.h"

/* ---- programs -------------------------------------------------------------------------------------------------- */

static krait_status check_graph(const krait_graph* graph, krait_error* err) {
    if (graph->struct_size >= KRAIT_GRAPH_SIZE_2_0) return KRAIT_STATUS_OK;
    return failed(err, KRAIT_STATUS_INVALID_ARGUMENT, "the graph has struct_size %u; it must be %u or more", graph->struct_size,
                  KRAIT_GRAPH_SIZE_2_0);
}

/* The scheduler asks this for every node, gives a declined one to another device, and shows the reason to people. So a
 * reason says what would have been accepted: "d_conv 9: at most 8". */
krait_status supports(krait_device* device, const krait_graph* graph, uint32_t node, krait_error* why) {
    if (device == NULL || graph == NULL) return null_argument(why, device == NULL ? "device" : "graph");
    const krait_status status = check_graph(graph, why);
    if (status != KRAIT_STATUS_OK) return status;
    if (node >= graph->n_nodes)
        return failed(why, KRAIT_STATUS_INVALID_ARGUMENT, "node %u: the graph has %u", node, graph->n_nodes);
    return failed(why, KRAIT_STATUS_UNSUPPORTED, "the null device computes nothing");
}

/* Here a plugin chooses kernels, fuses nodes, records command buffers: whatever need not be done again in each run. */
krait_status program_create(krait_device* device, const krait_graph* graph, krait_program** out, krait_error* err) {
    NEED_OUT(out);
    NEED(device);
    NEED(graph);
    const krait_status status = check_graph(graph, err);
    if (status != KRAIT_STATUS_OK) return status;
    return failed(err, KRAIT_STATUS_UNSUPPORTED, "the null device computes nothing");
}

void program_destroy(krait_program* program) { (void)program; /* none was ever made */ }

/* ---- queues ---------------------------------------------------------------------------------------------------- */

krait_status queue_create(krait_device* device, krait_queue** out, krait_error* err) {
    NEED_OUT(out);
    NEED(device);
    *out = calloc(1, sizeof **out);
    if (*out == NULL) return failed(err, KRAIT_STATUS_OUT_OF_MEMORY, "no memory for a queue");
    (*out)->device = device;
    return KRAIT_STATUS_OK;
}

void queue_destroy(krait_queue* queue) { free(queue); }

/* The range is inside a buffer of values that belongs to the queue's device. Written so that no sum can overflow. */
static krait_status check_range(const krait_queue* queue, const krait_buffer* buffer, uint64_t offset, uint64_t size,
                                krait_error* err) {
    NEED(queue);
    NEED(buffer);
    if (buffer->device != queue->device)
        return failed(err, KRAIT_STATUS_INVALID_ARGUMENT, "the buffer belongs to another device than the queue");
    if (buffer->content != CONTENT_VALUES)
        return failed(err, KRAIT_STATUS_INVALID_ARGUMENT,
                      "the bytes of constants and memories have no meaning outside the plugin");
    if (offset > buffer->size || size > buffer->size - offset)
        return failed(err, KRAIT_STATUS_INVALID_ARGUMENT, "%llu bytes from offset %llu are not inside the buffer of %llu bytes",
                      (unsigned long long)size, (unsigned long long)offset, (unsigned long long)buffer->size);
    return KRAIT_STATUS_OK;
}

krait_status queue_write(krait_queue* queue, krait_buffer* dst, uint64_t dst_offset, const void* src, uint64_t size,
                         krait_error* err) {
    const krait_status status = check_range(queue, dst, dst_offset, size, err);
    if (status != KRAIT_STATUS_OK || size == 0) return status;
    NEED(src);
    memcpy(dst->bytes + dst_offset, src, (size_t)size);
    return KRAIT_STATUS_OK;
}

krait_status queue_read(krait_queue* queue, void* dst, krait_buffer* src, uint64_t src_offset, uint64_t size,
                        krait_error* err) {
    const krait_status status = check_range(queue, src, src_offset, size, err);
    if (status != KRAIT_STATUS_OK || size == 0) return status;
    NEED(dst);
    memcpy(dst, src->bytes + src_offset, (size_t)size);
    return KRAIT_STATUS_OK;
}

krait_status queue_copy(krait_queue* queue, krait_buffer* dst, uint64_t dst_offset, krait_buffer* src, uint64_t src_offset,
                        uint64_t size, krait_error* err) {
    krait_status status = check_range(queue, dst, dst_offset, size, err);
    if (status == KRAIT_STATUS_OK) status = check_range(queue, src, src_offset, size, err);
    if (status != KRAIT_STATUS_OK || size == 0) return status;
    if (dst == src && dst_offset < src_offset + size && src_offset < dst_offset + size)
        return failed(err, KRAIT_STATUS_INVALID_ARGUMENT, "the ranges overlap");
    memcpy(dst->bytes + dst_offset, src->bytes + src_offset, (size_t)size);
    return KRAIT_STATUS_OK;
}

krait_status queue_run(krait_queue* queue, krait_program* program, const int64_t* sizes, uint32_t n_sizes, krait_error* err) {
    (void)sizes; /* a device that computes all rows need not look at them */
    (void)n_sizes;
    NEED(queue);
    NEED(program);
    return failed(err, KRAIT_STATUS_UNSUPPORTED, "the null device computes nothing");
}

/* The unit's bytes in *out. A device with a layout of its own converts in export and import; a copy between units need not. */
static krait_status find_unit(const krait_queue* queue, krait_buffer* memory, int64_t unit, unsigned char** out,
                              krait_error* err) {
    NEED(queue);
    NEED(memory);
    if (memory->device != queue->device)
        return failed(err, KRAIT_STATUS_INVALID_ARGUMENT, "the memory belongs to another device than the queue");
    if (memory->content != CONTENT_MEMORY)
        return failed(err, KRAIT_STATUS_INVALID_ARGUMENT, "the buffer is no memory (memory_create makes those)");
    if (unit < 0 || unit >= memory->memory.n_units)
        return failed(err, KRAIT_STATUS_INVALID_ARGUMENT, "unit %lld: the memory has units 0 to %lld", (long long)unit,
                      (long long)memory->memory.n_units - 1);
    *out = memory->bytes + (uint64_t)unit * unit_bytes(&memory->memory);
    return KRAIT_STATUS_OK;
}

static krait_status check_unit_size(const krait_buffer* memory, uint64_t size, krait_error* err) {
    const uint64_t expected = unit_bytes(&memory->memory);
    if (size == expected) return KRAIT_STATUS_OK;
    return failed(err, KRAIT_STATUS_INVALID_ARGUMENT, "a unit of this memory has %llu bytes, not %llu",
                  (unsigned long long)expected, (unsigned long long)size);
}

krait_status queue_memory_export(krait_queue* queue, krait_buffer* memory, int64_t unit, void* dst, uint64_t size,
                                 krait_error* err) {
    unsigned char* bytes = NULL;
    krait_status status = find_unit(queue, memory, unit, &bytes, err);
    if (status == KRAIT_STATUS_OK) status = check_unit_size(memory, size, err);
    if (status != KRAIT_STATUS_OK || size == 0) return status;
    NEED(dst);
    memcpy(dst, bytes, (size_t)size);
    return KRAIT_STATUS_OK;
}

krait_status queue_memory_import(krait_queue* queue, krait_buffer* memory, int64_t unit, const void* src, uint64_t size,
                                 krait_error* err) {
    unsigned char* bytes = NULL;
    krait_status status = find_unit(queue, memory, unit, &bytes, err);
    if (status == KRAIT_STATUS_OK) status = check_unit_size(memory, size, err);
    if (status != KRAIT_STATUS_OK || size == 0) return status;
    NEED(src);
    memcpy(bytes, src, (size_t)size);
    return KRAIT_STATUS_OK;
}

krait_status queue_memory_copy(krait_queue* queue, krait_buffer* memory, int64_t src_unit, int64_t dst_unit, krait_error* err) {
    unsigned char *src = NULL, *dst = NULL;
    krait_status status = find_unit(queue, memory, src_unit, &src, err);
    if (status == KRAIT_STATUS_OK) status = find_unit(queue, memory, dst_unit, &dst, err);
    /* the units may be one and the same */
    if (status == KRAIT_STATUS_OK) memmove(dst, src, (size_t)unit_bytes(&memory->memory));
    return status;
}

krait_status queue_sync(krait_queue* queue, krait_error* err) {
    return queue != NULL ? KRAIT_STATUS_OK : null_argument(err, "queue");
}
