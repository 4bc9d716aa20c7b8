/* SPDX-License-Identifier: Apache-2.0
 *
 * Buffers, weights and state of the null device: plain memory of the host.
 */
#include <stdlib.h>
#include <string.h>

#include "backends/null/null_backend.h"

/* ---- memory ---------------------------------------------------------------------------------------------------- */

/* calloc, so that untouched memory costs nothing and a device that computes nothing at least answers the same each time. */
static krait_status make_buffer(krait_device* device, enum content content, uint64_t size, krait_buffer** out,
                                krait_error* err) {
    krait_buffer* buffer = size <= MEMORY_TOTAL ? calloc(1, sizeof *buffer) : NULL;
    if (buffer != NULL) buffer->bytes = calloc(size > 0 ? (size_t)size : 1, 1);
    if (buffer == NULL || buffer->bytes == NULL) {
        free(buffer);
        return failed(err, KRAIT_STATUS_OUT_OF_MEMORY, "%llu bytes asked for a buffer; the device has %llu",
                      (unsigned long long)size, (unsigned long long)MEMORY_TOTAL);
    }
    buffer->device = device;
    buffer->content = content;
    buffer->owned = true;
    buffer->size = size;
    *out = buffer;
    return KRAIT_STATUS_OK;
}

krait_status buffer_create(krait_device* device, uint32_t kind, uint64_t size, krait_buffer** out, krait_error* err) {
    NEED_OUT(out);
    NEED(device);
    if (kind != KRAIT_BUFFER_DEVICE && kind != KRAIT_BUFFER_PINNED)
        return failed(err, KRAIT_STATUS_INVALID_ARGUMENT, "buffer kind %u: 0 (device) and 1 (pinned) exist", kind);
    return make_buffer(device, CONTENT_VALUES, size, out, err); /* both kinds are the same memory here */
}

/* A device that cannot see the host's memory returns KRAIT_STATUS_UNSUPPORTED. */
krait_status buffer_import_host(krait_device* device, void* bytes, uint64_t size, krait_buffer** out, krait_error* err) {
    NEED_OUT(out);
    NEED(device);
    if (bytes == NULL && size > 0) return null_argument(err, "bytes");
    krait_buffer* buffer = calloc(1, sizeof *buffer);
    if (buffer == NULL) return failed(err, KRAIT_STATUS_OUT_OF_MEMORY, "no memory for a handle");
    buffer->device = device;
    buffer->content = CONTENT_VALUES;
    buffer->bytes = bytes;
    buffer->size = size;
    *out = buffer;
    return KRAIT_STATUS_OK;
}

void buffer_destroy(krait_buffer* buffer) {
    if (buffer == NULL) return;
    if (buffer->owned) free(buffer->bytes);
    free(buffer);
}

uint64_t buffer_size(const krait_buffer* buffer) { return buffer != NULL && buffer->owned ? buffer->size : 0; }

/* Constants and state have a layout of the plugin's own, so their bytes are nobody else's business. */
krait_status buffer_map(krait_buffer* buffer, void** out, krait_error* err) {
    NEED_OUT(out);
    NEED(buffer);
    if (buffer->content != CONTENT_VALUES) return failed(err, KRAIT_STATUS_UNSUPPORTED, "constants and state cannot be mapped");
    *out = buffer->bytes;
    return KRAIT_STATUS_OK;
}

/* ---- weights and state ----------------------------------------------------------------------------------------- */

/* a * b, or false where it does not fit. */
static bool multiply(uint64_t a, int64_t b, uint64_t* product) {
    if (b < 0 || (b > 0 && a > UINT64_MAX / (uint64_t)b)) return false;
    *product = a * (uint64_t)b;
    return true;
}

/* Element types, and how many bytes a block of how many elements has. */
static const struct {
    krait_dtype id;
    uint32_t block_elems, block_bytes;
} kFormats[] = {
#define KRAIT_FORMAT(id, Name, elems, size) {id, elems, size},
#define KRAIT_INDEX_TYPE(id, Name, size) {id, 1, size},
#include "core/quant/formats.def"
};

/* Bytes of a contiguous tensor; false for an unknown type, a broken shape, or a row that is not whole blocks. */
static bool tensor_bytes(const krait_tensor_desc* desc, uint64_t* bytes) {
    size_t format = 0;
    while (format < sizeof kFormats / sizeof *kFormats && kFormats[format].id != desc->dtype) ++format;
    if (format == sizeof kFormats / sizeof *kFormats) return false;
    if (desc->rank < 1 || desc->rank > KRAIT_MAX_RANK) return false;
    const int64_t row = desc->extent[desc->rank - 1];
    if (row < 0 || (uint64_t)row % kFormats[format].block_elems != 0) return false;
    *bytes = (uint64_t)row / kFormats[format].block_elems;
    if (!multiply(*bytes, (int64_t)kFormats[format].block_bytes, bytes)) return false;
    for (uint32_t i = 0; i + 1 < desc->rank; ++i)
        if (!multiply(*bytes, desc->extent[i], bytes)) return false;
    return true;
}

/* uses says which operands of which ops will read it. A plugin that computes brings the bytes here into the order that
 * its kernels for those ops want, once, instead of in every run. */
krait_status constant_upload(krait_device* device, const krait_tensor_desc* desc, const krait_use* uses, uint32_t n_uses,
                             const void* bytes, uint64_t size, uint32_t flags, krait_buffer** out, krait_error* err) {
    NEED_OUT(out);
    NEED(device);
    NEED(desc);
    if (uses == NULL && n_uses > 0) return null_argument(err, "uses");
    if (bytes == NULL && size > 0) return null_argument(err, "bytes");
    (void)flags; /* KRAIT_UPLOAD_BYTES_PERSIST permits reading in place; a copy is always right */
    uint64_t expected = 0;
    if (!tensor_bytes(desc, &expected))
        return failed(err, KRAIT_STATUS_INVALID_ARGUMENT, "the constant's description is broken");
    if (size != expected)
        return failed(err, KRAIT_STATUS_INVALID_ARGUMENT, "the constant has %llu bytes, not %llu", (unsigned long long)expected,
                      (unsigned long long)size);
    const krait_status status = make_buffer(device, CONTENT_CONSTANT, size, out, err);
    if (status == KRAIT_STATUS_OK && size > 0) memcpy((*out)->bytes, bytes, (size_t)size);
    return status;
}

enum { /* the ids of ops by their names */
#define KRAIT_OP(id, name, Type, params_size, revision) OP_##name = id,
#include "core/ops/op_list.def"
};

uint64_t slot_bytes(const krait_state_desc* desc) {
    return (uint64_t)desc->extent[0] * (uint64_t)desc->extent[1] * (uint64_t)desc->extent[2] * sizeof(float);
}

krait_status state_create(krait_device* device, const krait_state_desc* desc, krait_buffer** out, krait_error* err) {
    NEED_OUT(out);
    NEED(device);
    NEED(desc);
    if (desc->struct_size < KRAIT_STATE_DESC_SIZE_2_0)
        return failed(err, KRAIT_STATUS_INVALID_ARGUMENT, "the description has struct_size %u; it must be %u or more",
                      desc->struct_size, KRAIT_STATE_DESC_SIZE_2_0);
    if (desc->op != OP_ssm_conv && desc->op != OP_ssm_scan)
        return failed(err, KRAIT_STATUS_INVALID_ARGUMENT, "op %u has no state", desc->op);
    uint64_t size = sizeof(float);
    bool fits = desc->n_slots >= 1 && multiply(size, desc->n_slots, &size);
    for (int i = 0; i < 3; ++i) fits = fits && multiply(size, desc->extent[i], &size);
    if (!fits) return failed(err, KRAIT_STATUS_INVALID_ARGUMENT, "no slots, a negative extent, or more than can be addressed");
    const krait_status status = make_buffer(device, CONTENT_STATE, size, out, err);
    if (status == KRAIT_STATUS_OK) memcpy(&(*out)->state, desc, KRAIT_STATE_DESC_SIZE_2_0); /* nothing later is used */
    return status;
}
