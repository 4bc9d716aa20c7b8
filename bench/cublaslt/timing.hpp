// SPDX-License-Identifier: Apache-2.0
//
// How long a product takes: many of them in a row as one CUDA graph, so that no launch is waited for, each on operands that
// were used longer ago than the caches remember; by events around it. Of the algorithms that cublasLt's heuristic offers the
// fastest counts.
#pragma once

#include "bench/cublaslt/lt_product.hpp"
#include "bench/statistics.hpp"

namespace krait::bench {

struct LtTiming {
    Spread us;  // of one product; of the repetitions
    size_t n_algorithms = 0;
    uint64_t n_copies = 0;  // sets of operands that it went round among
};

// numbers: `n_bytes` of them, of the product's type.
Result<LtTiming> time_product(const LtDevice& device, const ProductSize& size, std::byte* numbers, uint64_t n_bytes,
                              int repetitions);

// Bytes that operands have to be spread over, so that weights come from memory. No graph has more than 1024 products: the
// smallest ones are spread over less.
uint64_t cold_bytes_of(const LtDevice& device);
// Bytes that time_product needs of `numbers`.
uint64_t numbers_for(const ProductSize& size, uint64_t cold_bytes);

}  // namespace krait::bench
