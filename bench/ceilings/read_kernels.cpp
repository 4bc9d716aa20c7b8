// SPDX-License-Identifier: Apache-2.0
//
// One stream and four: which of them a memory system likes better differs. Four are quarters of the memory, read side by side.
#include <array>
#include <cstring>

#include "bench/ceilings/kernels.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace krait::bench {
namespace {

bool always() { return true; }

uint64_t sum_portable(const std::byte* memory, size_t bytes) {
    std::array<uint64_t, 8> sums{}, words;
    for (size_t i = 0; i < bytes; i += sizeof words) {
        std::memcpy(words.data(), memory + i, sizeof words);
        for (size_t k = 0; k < words.size(); ++k) sums[k] += words[k];
    }
    uint64_t sum = 0;
    for (const uint64_t part : sums) sum += part;
    return sum;
}

#if defined(__x86_64__)
constexpr size_t kStep = 256;  // bytes of a stream at a time: four cache lines

bool has_avx2() { return __builtin_cpu_supports("avx2") != 0; }
bool has_avx512() { return __builtin_cpu_supports("avx512f") != 0; }

template <size_t kStreams>
__attribute__((target("avx2"))) uint64_t sum_avx2(const std::byte* memory, size_t bytes) {
    const size_t stream = bytes / kStreams;
    __m256i a = _mm256_setzero_si256(), b = a, c = a, d = a;
    for (size_t i = 0; i < stream; i += kStep)
        for (size_t s = 0; s < kStreams; ++s) {
            const auto* from = reinterpret_cast<const __m256i*>(memory + s * stream + i);
            a = _mm256_add_epi64(a, _mm256_add_epi64(_mm256_load_si256(from), _mm256_load_si256(from + 4)));
            b = _mm256_add_epi64(b, _mm256_add_epi64(_mm256_load_si256(from + 1), _mm256_load_si256(from + 5)));
            c = _mm256_add_epi64(c, _mm256_add_epi64(_mm256_load_si256(from + 2), _mm256_load_si256(from + 6)));
            d = _mm256_add_epi64(d, _mm256_add_epi64(_mm256_load_si256(from + 3), _mm256_load_si256(from + 7)));
        }
    alignas(32) uint64_t parts[4];
    _mm256_store_si256(reinterpret_cast<__m256i*>(parts), _mm256_add_epi64(_mm256_add_epi64(a, b), _mm256_add_epi64(c, d)));
    return parts[0] + parts[1] + parts[2] + parts[3];
}

template <size_t kStreams>
__attribute__((target("avx512f"))) uint64_t sum_avx512(const std::byte* memory, size_t bytes) {
    const size_t stream = bytes / kStreams;
    __m512i a = _mm512_setzero_si512(), b = a, c = a, d = a;
    for (size_t i = 0; i < stream; i += kStep)
        for (size_t s = 0; s < kStreams; ++s) {
            const auto* from = reinterpret_cast<const __m512i*>(memory + s * stream + i);
            a = _mm512_add_epi64(a, _mm512_load_si512(from));
            b = _mm512_add_epi64(b, _mm512_load_si512(from + 1));
            c = _mm512_add_epi64(c, _mm512_load_si512(from + 2));
            d = _mm512_add_epi64(d, _mm512_load_si512(from + 3));
        }
    alignas(64) uint64_t parts[8];
    _mm512_store_si512(parts, _mm512_add_epi64(_mm512_add_epi64(a, b), _mm512_add_epi64(c, d)));
    uint64_t sum = 0;
    for (const uint64_t part : parts) sum += part;
    return sum;
}

constexpr ReadKernel kKernels[] = {{always, sum_portable},
                                   {has_avx2, sum_avx2<1>},
                                   {has_avx2, sum_avx2<4>},
                                   {has_avx512, sum_avx512<1>},
                                   {has_avx512, sum_avx512<4>}};
#else
constexpr ReadKernel kKernels[] = {{always, sum_portable}};
#endif

}  // namespace

std::span<const ReadKernel> read_kernels() { return kKernels; }

}  // namespace krait::bench
