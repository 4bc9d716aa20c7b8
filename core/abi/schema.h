/* SPDX-License-Identifier: Apache-2.0
 *
 * krait_schema_hash(): a fingerprint of what host and plugin must agree on beyond the ABI itself: the op list with
 * the sizes of its params, the formats with their block sizes, the structs that travel in arrays. FNV-1a, 64 bits, over
 * the text of these facts. Comments and order of lines in other files do not change it. C11 and C++.
 */
#ifndef KRAIT_SCHEMA_H
#define KRAIT_SCHEMA_H

#include "core/abi/backend_abi.h"

static inline uint64_t krait_schema_mix(uint64_t h, const char* text, uint64_t a, uint64_t b, uint64_t c) {
    const uint64_t kPrime = 0x100000001b3ull;
    for (; *text != '\0'; ++text) h = (h ^ (uint8_t)*text) * kPrime;
    h = (h ^ a) * kPrime;
    h = (h ^ b) * kPrime;
    return (h ^ c) * kPrime;
}

static inline uint64_t krait_schema_hash(void) {
    uint64_t h = 0xcbf29ce484222325ull; /* FNV offset basis */
#define KRAIT_OP(id, name, Type, params_size) h = krait_schema_mix(h, #name, id, params_size, 0);
#include "core/ops/op_list.def"
#define KRAIT_FORMAT(id, Name, block_elems, block_bytes) h = krait_schema_mix(h, #Name, id, block_elems, block_bytes);
#define KRAIT_INDEX_TYPE(id, Name, bytes) h = krait_schema_mix(h, #Name, id, 1, bytes);
#include "core/quant/formats.def"
    h = krait_schema_mix(h, "arrays", sizeof(krait_tensor_desc), sizeof(krait_graph_tensor), sizeof(krait_graph_node));
    return h;
}

#endif
