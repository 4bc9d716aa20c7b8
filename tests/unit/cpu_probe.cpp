// SPDX-License-Identifier: Apache-2.0
//
// Compiled once for each instruction set of the cpu backend (KRAIT_CPU_VARIANT).
#include "tests/unit/cpu_probe.hpp"

#include "backends/cpu/quant/panel_group.hpp"
#include "backends/cpu/quant/plain.hpp"
#include "backends/cpu/simd/math.hpp"
#include "backends/cpu/thread_pool.hpp"

#define KRAIT_CPU_TEXT_(name) #name
#define KRAIT_CPU_TEXT(name) KRAIT_CPU_TEXT_(name)

namespace krait::cpu::KRAIT_CPU_VARIANT {

namespace {

template <class F>
void apply(const float* in, float* out, int64_t n, F&& f) {
    for_each_vec(n, [&](int64_t i, int64_t lanes) { store_up_to(out + i, f(load_up_to(in + i, lanes)), lanes); });
}

template <int kMax, int kRows>
void dots_of(const uint8_t* q, const int8_t* x, int32_t* out) {
    constexpr int kGroups = 8;
    IVec quants[kGroups], sums[kRows];
    const int8_t* rows[kRows];
    for (int g = 0; g < kGroups; ++g) {
        uint32_t words[kLanes];
        std::memcpy(words, q + 4 * kLanes * g, sizeof words);
        quants[g] = load_words(words);
    }
    for (int r = 0; r < kRows; ++r) {
        rows[r] = x + 4 * kGroups * r;
        int32_t start = 0;
        for (int k = 0; k < 4 * kGroups && kMax > 127; ++k) start -= kByteBias * rows[r][k];
        sums[r] = broadcast_i(start);
    }
    dots<dot_kind(kMax)>(sums, quants, rows);
    for (int r = 0; r < kRows; ++r) {
        uint32_t words[kLanes];
        store_words(words, sums[r]);
        std::memcpy(out + kLanes * r, words, sizeof words);
    }
}

template <int kRows>
void dots_up_to(int max, const uint8_t* q, const int8_t* x, int32_t* out) {
    return max == 15    ? dots_of<15, kRows>(q, x, out)
           : max == 127 ? dots_of<127, kRows>(q, x, out)
                        : dots_of<255, kRows>(q, x, out);
}

template <DType F>
void values_of_group(const std::byte* group, const PanelLayout& layout, float* out) {
    using P = Panel<F>;
    for (int64_t unit = 0; unit < layout.d_in / kUnit; ++unit)
        for (int row = 0; row < kPanelRows; row += kLanes)
            unroll<kUnitGroups>([&](auto g) {
                const auto& cell = cells_of<F>(group)[unit / kUnitsOfCell<F>];
                const int in_cell = static_cast<int>(unit % kUnitsOfCell<F>), half = P::kFacts.halves == 1 ? 0 : g / 4;
                uint8_t quant[kLanes][4];
                store_words(reinterpret_cast<uint32_t*>(quant), P::template quants<g>(cell, in_cell, row));
                float scale[kLanes], low[kLanes] = {};
                store(scale, P::scale(cell, in_cell, half, row));
                if constexpr (P::kFacts.low) store(low, P::low(cell, in_cell, half, row));
                for (int lane = 0; lane < kLanes && row + lane < layout.n_out; ++lane)
                    for (int j = 0; j < 4; ++j) {
                        const float product = scale[lane] * static_cast<float>(quant[lane][j] - P::kFacts.offset);
                        out[(row + lane) * layout.d_in + unit * kUnit + 4 * g + j] = product - low[lane];
                    }
            });
}

void through_panel(DType format, const void* rows, int64_t n_rows, int64_t d_in, float* values, void* restored) {
    struct alignas(64) Line {
        std::byte bytes[64];
    };
    const PanelLayout layout = PanelLayout::of(format, n_rows, d_in);
    std::vector<Line> lines(layout.group_bytes / sizeof(Line));
    std::byte* group = lines.data()->bytes;
    pack_group(format, layout, static_cast<const std::byte*>(rows), 0, group);
    with_quantized(format, [&]<DType F>() { values_of_group<F>(group, layout, values); });
    for (int64_t n = 0; n < n_rows; ++n)
        restore_row(format, layout, group, n, static_cast<std::byte*>(restored) + n * row_bytes(format, d_in));
}

class Pool final : public ProbedPool {
  public:
    explicit Pool(const ThreadPool::Options& options) : pool_(options) {}
    int size() const override { return pool_.size(); }
    void parallel_for(int64_t n, int64_t grain, const Body& body) override { pool_.parallel_for(n, grain, body); }

  private:
    ThreadPool pool_;
};

}  // namespace

extern const Probe kProbe;
const Probe kProbe {
    .level = Level::KRAIT_CPU_VARIANT, .name = KRAIT_CPU_TEXT(KRAIT_CPU_VARIANT), .lanes = kLanes,
    .exp2_fast = [](const float* in, float* out, int64_t n) { apply(in, out, n, [](Vec a) { return exp2_fast(a); }); },
    .exp = [](const float* in, float* out, int64_t n) { apply(in, out, n, [](Vec a) { return exp(a); }); },
    .softplus = [](const float* in, float* out, int64_t n) { apply(in, out, n, [](Vec a) { return softplus(a); }); },
    .silu = [](const float* in, float* out, int64_t n) { apply(in, out, n, [](Vec a) { return silu(a); }); },
    .sigmoid = [](const float* in, float* out, int64_t n) { apply(in, out, n, [](Vec a) { return sigmoid(a); }); },
    .gelu = [](const float* in, float* out, int64_t n) { apply(in, out, n, [](Vec a) { return gelu(a); }); },
    .gelu_tanh = [](const float* in, float* out, int64_t n) { apply(in, out, n, [](Vec a) { return gelu_tanh(a); }); },
#if defined(__FMA__) || defined(KRAIT_CPU_EMULATED) || defined(__ARM_FEATURE_DOTPROD)
    .fuses = true,
#else
    .fuses = false,
#endif
    .fma =
        [](const float* a, const float* b, const float* c, float* out, int64_t n) {
            for (int64_t i = 0; i < n; i += kLanes) store(out + i, fma(load(a + i), load(b + i), load(c + i)));
        },
    .round_even = [](const float* in, float* out, int64_t n) { apply(in, out, n, [](Vec a) { return round_even(a); }); },
    .rows_of_dot = kRowsOfDot,
    .dot = [](int max, int n_rows, const uint8_t* q, const int8_t* x,
              int32_t* out) { return n_rows == 1 ? dots_up_to<1>(max, q, x, out) : dots_up_to<kRowsOfDot>(max, q, x, out); },
    .dot_pairs =
        [](int32_t start, const int16_t* w, const int16_t* x, int32_t* out) {
            uint32_t words[kLanes];
            std::memcpy(words, w, sizeof words);
            store_words(words, dot_pairs(broadcast_i(start), load_words(words), x));
            std::memcpy(out, words, sizeof words);
        },
    .store_i8 =
        [](const float* in, int8_t* out, int64_t n) {
            for (int64_t i = 0; i < n; i += kLanes) store_i8(out + i, load(in + i));
        },
    .store_i16 =
        [](const float* in, int16_t* out, int64_t n) {
            for (int64_t i = 0; i < n; i += kLanes) store_i16(out + i, load(in + i));
        },
    .store_f16 =
        [](const float* in, uint16_t* out, int64_t n) {
            for (int64_t i = 0; i < n; i += kLanes) store_f16(out + i, load(in + i));
        },
    .load_f16 =
        [](const uint16_t* in, float* out, int64_t n) {
            for (int64_t i = 0; i < n; i += kLanes) store(out + i, load_f16(in + i));
        },
    .transpose =
        [](const float* in, float* out) {
            Vec rows[kLanes];
            for (int i = 0; i < kLanes; ++i) rows[i] = load(in + i * kLanes);
            transpose(rows);
            for (int i = 0; i < kLanes; ++i) store(out + i * kLanes, rows[i]);
        },
    .swap_pairs = [](const float* in, float* out) { store(out, swap_pairs(load(in))); },
    .sums =
        [](const float* a, const float* b, const float* c, const float* d, float* out) {
            sum4(load(a), load(b), load(c), load(d), out);
            out[4] = sum(load(a));
        },
    .unpack_plain =
        [](DType format, const void* row, int64_t k0, int64_t count, float* out) {
            const auto* bytes = static_cast<const std::byte*>(row);
            switch (format) {
                case DType::F16: return unpack_row<DType::F16>(bytes, k0, count, out);
                case DType::BF16: return unpack_row<DType::BF16>(bytes, k0, count, out);
                default: return unpack_row<DType::F32>(bytes, k0, count, out);
            }
        },
    .through_panel = through_panel,
    .make_pool = [](int n_threads, std::vector<int> processors) -> std::unique_ptr<ProbedPool> {
        return std::make_unique<Pool>(
            ThreadPool::Options{.n_threads = n_threads, .processors = std::move(processors), .executor = {}});
    },
    .make_executor_pool = [](const krait_host_executor& executor) -> std::unique_ptr<ProbedPool> {
        return std::make_unique<Pool>(ThreadPool::Options{.n_threads = 1, .processors = {}, .executor = executor});
    }
};

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
