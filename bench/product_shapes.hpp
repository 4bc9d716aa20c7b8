// SPDX-License-Identifier: Apache-2.0
//
// The matrix products of published models: x [n_tok, n_in], w [n_out, n_in], y [n_tok, n_out]. One list for all that times
// products, so that figures of one program can be laid beside those of another: what is the same has the same name.
#pragma once

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <string>

namespace krait::bench {

// A Mamba-1 model of that many weights.
struct ModelSize {
    const char* name;
    int64_t d_model, dt_rank;
    int64_t d_inner() const { return 2 * d_model; }
};
inline constexpr ModelSize kModelSizes[] = {{"130m", 768, 48}, {"1.4b", 2048, 128}, {"2.8b", 2560, 160}};
inline constexpr int64_t kModelVocab = 50280, kModelState = 16, kModelConv = 4;

struct ModelProduct {
    const char* name;
    int64_t n_out, n_in;
    int64_t max_rows;  // of the head only the rows whose logits are wanted
};
inline std::array<ModelProduct, 5> products_of(const ModelSize& size) {
    constexpr int64_t kAny = INT64_MAX, kHeadRows = 32;
    return {{{"in", 2 * size.d_inner(), size.d_model, kAny},
             {"x", size.dt_rank + 2 * kModelState, size.d_inner(), kAny},
             {"dt", size.d_inner(), size.dt_rank, kAny},
             {"out", size.d_model, size.d_inner(), kAny},
             {"head", kModelVocab, size.d_model, kHeadRows}}};
}

// A step of one sequence, of several, a prompt.
inline constexpr int64_t kProductRows[] = {1, 8, 16, 32, 512};

// "F16.t8.n10240.k2560.2.8b.in"; as cases of the op tests are named, and where in a model it stands.
inline std::string product_name(const char* format, int64_t n_tok, const ModelProduct& product, const ModelSize& size) {
    return fmt::format("{}.t{}.n{}.k{}.{}.{}", format, n_tok, product.n_out, product.n_in, size.name, product.name);
}

// Operands are there in copies of that many bytes together, and runs go round among them, so that weights come from memory:
// four times what the second cache of a GPU has (50 to 64 MiB).
inline constexpr uint64_t kColdBytes = uint64_t{256} << 20;

}  // namespace krait::bench
