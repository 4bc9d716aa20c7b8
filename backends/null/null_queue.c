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
                      "the bytes of constants and state have no meaning outside the plugin");
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

/* The slot's bytes in *out. A device with a layout of its own converts in export and import; a copy between slots need not. */
static krait_status find_slot(const krait_queue* queue, krait_buffer* state, int64_t slot, unsigned char** out,
                              krait_error* err) {
    NEED(queue);
    NEED(state);
    if (state->device != queue->device)
        return failed(err, KRAIT_STATUS_INVALID_ARGUMENT, "the state belongs to another device than the queue");
    if (state->content != CONTENT_STATE) return failed(err, KRAIT_STATUS_INVALID_ARGUMENT, "the buffer is no pool of state");
    if (slot < 0 || slot >= state->state.n_slots)
        return failed(err, KRAIT_STATUS_INVALID_ARGUMENT, "slot %lld: the pool has slots 0 to %lld", (long long)slot,
                      (long long)state->state.n_slots - 1);
    *out = state->bytes + (uint64_t)slot * slot_bytes(&state->state);
    return KRAIT_STATUS_OK;
}

static krait_status check_slot_size(const krait_buffer* state, uint64_t size, krait_error* err) {
    const uint64_t expected = slot_bytes(&state->state);
    if (size == expected) return KRAIT_STATUS_OK;
    return failed(err, KRAIT_STATUS_INVALID_ARGUMENT, "a slot of this pool has %llu bytes, not %llu",
                  (unsigned long long)expected, (unsigned long long)size);
}

krait_status queue_state_export(krait_queue* queue, krait_buffer* state, int64_t slot, void* dst, uint64_t size,
                                krait_error* err) {
    unsigned char* bytes = NULL;
    krait_status status = find_slot(queue, state, slot, &bytes, err);
    if (status == KRAIT_STATUS_OK) status = check_slot_size(state, size, err);
    if (status != KRAIT_STATUS_OK || size == 0) return status;
    NEED(dst);
    memcpy(dst, bytes, (size_t)size);
    return KRAIT_STATUS_OK;
}

krait_status queue_state_import(krait_queue* queue, krait_buffer* state, int64_t slot, const void* src, uint64_t size,
                                krait_error* err) {
    unsigned char* bytes = NULL;
    krait_status status = find_slot(queue, state, slot, &bytes, err);
    if (status == KRAIT_STATUS_OK) status = check_slot_size(state, size, err);
    if (status != KRAIT_STATUS_OK || size == 0) return status;
    NEED(src);
    memcpy(bytes, src, (size_t)size);
    return KRAIT_STATUS_OK;
}

krait_status queue_state_copy(krait_queue* queue, krait_buffer* state, int64_t src_slot, int64_t dst_slot, krait_error* err) {
    unsigned char *src = NULL, *dst = NULL;
    krait_status status = find_slot(queue, state, src_slot, &src, err);
    if (status == KRAIT_STATUS_OK) status = find_slot(queue, state, dst_slot, &dst, err);
    if (status == KRAIT_STATUS_OK) memmove(dst, src, (size_t)slot_bytes(&state->state)); /* the slots may be one and the same */
    return status;
}

krait_status queue_sync(krait_queue* queue, krait_error* err) {
    return queue != NULL ? KRAIT_STATUS_OK : null_argument(err, "queue");
}
