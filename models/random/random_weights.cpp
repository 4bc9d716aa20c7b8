// SPDX-License-Identifier: Apache-2.0
#include "models/random/random_weights.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/base/parallel_for.hpp"
#include "core/base/random.hpp"
#include "core/quant/codec.hpp"
#include "models/quantize/recipe.hpp"

namespace krait {
namespace {

// FNV-1a, 64 bits.
uint64_t seed_of(std::string_view text, uint64_t seed) {
    uint64_t h = 0xcbf29ce484222325u ^ (seed * 0x9e3779b97f4a7c15u);
    for (const char c : text) h = (h ^ static_cast<uint8_t>(c)) * 0x100000001b3u;
    return h;
}

Random random_of(uint64_t seed, int64_t index) { return Random(seed ^ (static_cast<uint64_t>(index) * 0xd1342543de82ef95u)); }

// Twelve uniforms of 16 bits (Irwin and Hall): the same bits everywhere, which log and cos of a C library do not promise.
double normal(Random& random) {
    double sum = -6.0;
    for (int i = 0; i < 3; ++i) {
        const uint64_t word = random.next();
        for (int k = 0; k < 4; ++k) sum += (static_cast<double>((word >> (16 * k)) & 0xffff) + 0.5) * 0x1p-16;
    }
    return sum;
}

// The values of tensors that are no matrices, by kind. The C library's exp and log round: their last bit may differ elsewhere.
using Law = float (*)(int64_t column, double uniform, double normal);

Law law_of(std::string_view kind, int64_t width) {
    if (kind.find("norm") != std::string_view::npos)
        return [](int64_t, double, double z) { return static_cast<float>(1.0 + 0.05 * z); };
    if (kind == "ffn_gate_inp.weight") return [](int64_t, double, double z) { return static_cast<float>(0.02 * z); };
    if (kind == "ssm_conv1d.weight" || kind == "shortconv.conv.weight")
        return [](int64_t, double, double z) { return static_cast<float>(0.3 * z); };
    if (kind == "ssm_d") return [](int64_t, double, double) { return 1.0f; };
    if (kind == "ssm_a" && width == 1) return [](int64_t, double u, double) { return static_cast<float>(-1.0 - 15.0 * u); };
    if (kind == "ssm_a") return [](int64_t column, double, double) { return -static_cast<float>(column + 1); };
    if (kind == "ssm_dt.bias")  // the inverse of softplus at 0.001 * 100^u
        return [](int64_t, double u, double) { return static_cast<float>(std::log(std::expm1(0.001 * std::pow(100.0, u)))); };
    return
        [](int64_t, double, double z) { return static_cast<float>(0.1 * z); };  // biases of the convolution and the projections
}

double deviation_of(std::string_view kind, int64_t width, int64_t n_layer) {
    if (kind == "token_embd.weight" || kind == "output.weight") return 0.02;
    const double unit = 1.0 / std::sqrt(static_cast<double>(width));
    // The projections that add to the stream which passes the layers.
    constexpr std::string_view kAdded[] = {"ssm_out.weight",       "attn_output.weight",    "ffn_down.weight",
                                           "ffn_down_exps.weight", "ffn_down_shexp.weight", "shortconv.out_proj.weight"};
    const bool is_added = std::ranges::find(kAdded, kind) != std::end(kAdded);
    return is_added ? unit / std::sqrt(static_cast<double>(n_layer)) : unit;
}

}  // namespace

void RandomTensor::fill(int64_t row, std::span<std::byte> out) const {
    Random random = random_of(seed_, row);
    if (!pool_) {
        for (size_t at = 0; at < out.size(); at += sizeof(float)) {
            const double u = random.uniform();
            const float value = law_(static_cast<int64_t>(at / sizeof(float)), u, normal(random));
            std::memcpy(out.data() + at, &value, sizeof(float));
        }
        return;
    }
    for (size_t at = 0; at < out.size(); at += pool_->piece_bytes) {
        const size_t piece = random.next() % pool_->n_piece();
        std::memcpy(out.data() + at, pool_->bytes.data() + piece * pool_->piece_bytes,
                    std::min(pool_->piece_bytes, out.size() - at));
    }
}

const WeightPool& RandomWeights::pool(std::string_view kind, DType dtype, int64_t n_weight, double deviation) {
    const auto [found, is_new] = pools_.try_emplace(std::string(kind));
    WeightPool& pool = found->second;
    if (!is_new) return pool;
    constexpr int64_t kMaxPieces = 4096;  // 2^20 weights: encoded in a second, and larger than any level-2 cache
    constexpr int64_t kWeights = WeightPool::kPieceWeights;
    const int64_t n_piece = std::clamp<int64_t>(n_weight / kWeights, 16, kMaxPieces);
    pool.dtype = dtype;
    pool.piece_bytes = static_cast<size_t>(row_bytes(dtype, kWeights));
    pool.bytes.resize(static_cast<size_t>(n_piece) * pool.piece_bytes);
    const uint64_t seed = seed_of(kind, seed_);
    parallel_for(threads_, n_piece, 16, [&](int64_t begin, int64_t end) {
        float weights[kWeights];
        for (int64_t piece = begin; piece < end; ++piece) {
            Random random = random_of(seed, piece);
            for (float& weight : weights) weight = static_cast<float>(deviation * normal(random));
            encode_row(dtype, weights, pool.bytes.data() + static_cast<size_t>(piece) * pool.piece_bytes);
        }
    });
    return pool;
}

RandomTensor RandomWeights::tensor(std::string_view name, DType dtype, std::span<const int64_t> extents) {
    const TensorDesc desc = make_desc(dtype, extents);
    const int64_t width = last_extent(desc);
    const std::string_view kind = tensor_kind(name);
    RandomTensor tensor;
    tensor.seed_ = seed_of(name, seed_);
    if (is_weight_matrix(kind, extents.size()))
        tensor.pool_ = &pool(kind, dtype, element_count(desc), deviation_of(kind, width, n_layer_));
    else tensor.law_ = law_of(kind, width);
    return tensor;
}

}  // namespace krait
