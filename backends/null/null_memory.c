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

/* Constants and memories have a layout of the plugin's own, so their bytes are nobody else's business. */
krait_status buffer_map(krait_buffer* buffer, void** out, krait_error* err) {
    NEED_OUT(out);
    NEED(buffer);
    if (buffer->content != CONTENT_VALUES)
        return failed(err, KRAIT_STATUS_UNSUPPORTED, "constants and memories cannot be mapped");
    *out = buffer->bytes;
    return KRAIT_STATUS_OK;
}

/* ---- weights, and what sequences remember ---------------------------------------------------------------------- */

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

/* Elements of a memory come in blocks: of one in plain types. Both 0 for types that a memory of this layout cannot have. */
typedef struct block {
    int64_t elements;
    uint64_t bytes;
} block;

static block block_of(const krait_memory_desc* desc) {
    enum { F32 = 0, F16 = 1, Q8_0 = 8 }; /* core/quant/formats.def */
    if (desc->dtype == F32) return (block){1, 4};
    if (desc->layout == KRAIT_MEMORY_PAGES && desc->dtype == F16) return (block){1, 2};
    if (desc->layout == KRAIT_MEMORY_PAGES && desc->dtype == Q8_0) return (block){32, 34};
    return (block){0, 0};
}

static uint64_t row_bytes(const krait_memory_desc* desc) {
    const block each = block_of(desc);
    const uint64_t n_element = (uint64_t)desc->extent[0] * (uint64_t)desc->extent[1] * (uint64_t)desc->extent[2];
    return n_element / (uint64_t)each.elements * each.bytes;
}

uint64_t unit_bytes(const krait_memory_desc* desc) { return (uint64_t)desc->rows_per_unit * row_bytes(desc); }

/* Whether the operand of a use is one that a memory of this layout can be: the build wrote the list (op_versions.h). */
static bool fits_use(const krait_memory_desc* desc, krait_use use) {
    static const struct {
        uint32_t op, operand, layout;
    } known[] = {
#define KRAIT_MEMORY_USE(op, operand, layout) {op, operand, layout},
        KRAIT_MEMORY_USES};
    for (size_t i = 0; i < sizeof known / sizeof *known; ++i)
        if (known[i].op == use.op && known[i].operand == use.operand) return known[i].layout == desc->layout;
    return false;
}

static krait_status check_memory(const krait_memory_desc* desc, uint64_t* size, krait_error* err) {
    const krait_status bad = KRAIT_STATUS_INVALID_ARGUMENT;
    if (desc->struct_size < KRAIT_MEMORY_DESC_SIZE_2_0)
        return failed(err, bad, "the description has struct_size %u; it must be %u or more", desc->struct_size,
                      KRAIT_MEMORY_DESC_SIZE_2_0);
    if (desc->layout != KRAIT_MEMORY_SLOTS && desc->layout != KRAIT_MEMORY_PAGES)
        return failed(err, bad, "memory layout %u: 0 (slots) and 1 (pages) exist", desc->layout);
    const bool has_pages = desc->layout == KRAIT_MEMORY_PAGES;
    const block each = block_of(desc);
    *size = each.bytes;
    if (*size == 0)
        return failed(err, bad, "element type %u: it must be %s", desc->dtype,
                      has_pages ? "F32 (0), F16 (1) or Q8_0 (8)" : "F32 (0)");
    const uint32_t max_rank = has_pages ? 2 : 3;
    if (desc->rank < 1 || desc->rank > max_rank)
        return failed(err, bad, "rank %u of a %s: 1 to %u are possible", desc->rank, has_pages ? "row" : "slot", max_rank);
    if (desc->rows_per_unit < 1 || (!has_pages && desc->rows_per_unit != 1))
        return failed(err, bad, "%lld rows a unit: %s", (long long)desc->rows_per_unit,
                      has_pages ? "a page has at least one" : "a slot is one");
    bool fits = desc->n_units >= 1 && multiply(*size, desc->n_units, size) && multiply(*size, desc->rows_per_unit, size);
    const uint32_t last = desc->rank - 1;
    if (desc->extent[last] % each.elements != 0)
        return failed(err, bad, "%lld elements of type %u: a multiple of %lld is needed", (long long)desc->extent[last],
                      desc->dtype, (long long)each.elements);
    for (uint32_t i = 0; i < 3; ++i)
        fits = fits && (i < desc->rank || desc->extent[i] == 1) &&
               multiply(*size, i == last ? desc->extent[i] / each.elements : desc->extent[i], size);
    fits = fits && *size <= (uint64_t)1 << 55; /* so that a layout may pad them */
    if (!fits) return failed(err, bad, "no units, extents that do not fit the rank, or more than can be addressed");
    if (has_pages && row_bytes(desc) % 4 != 0)
        return failed(err, bad, "rows of %llu bytes; they must be a multiple of 4", (unsigned long long)row_bytes(desc));
    if (desc->uses == NULL || desc->n_uses == 0) return failed(err, bad, "the memory has no uses; it needs at least one");
    for (uint32_t i = 0; i < desc->n_uses; ++i)
        if (!fits_use(desc, desc->uses[i]))
            return failed(err, bad, "operand %u of operator %u is no memory of %s", desc->uses[i].operand, desc->uses[i].op,
                          has_pages ? "pages" : "slots");
    return KRAIT_STATUS_OK;
}

krait_status memory_create(krait_device* device, const krait_memory_desc* desc, krait_buffer** out, krait_error* err) {
    NEED_OUT(out);
    NEED(device);
    NEED(desc);
    uint64_t size = 0;
    krait_status status = check_memory(desc, &size, err);
    if (status == KRAIT_STATUS_OK) status = make_buffer(device, CONTENT_MEMORY, size, out, err);
    if (status != KRAIT_STATUS_OK) return status;
    memcpy(&(*out)->memory, desc, KRAIT_MEMORY_DESC_SIZE_2_0); /* nothing later is used */
    (*out)->memory.uses = NULL;                                /* borrowed for the call */
    return KRAIT_STATUS_OK;
}
