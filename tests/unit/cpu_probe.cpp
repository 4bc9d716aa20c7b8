// SPDX-License-Identifier: Apache-2.0
//
// Compiled once for each instruction set of the cpu backend (KRAIT_CPU_VARIANT).
#include "tests/unit/cpu_probe.hpp"

#include "backends/cpu/quant/unpack.hpp"
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
const Probe kProbe{
    .level = Level::KRAIT_CPU_VARIANT,
    .name = KRAIT_CPU_TEXT(KRAIT_CPU_VARIANT),
    .lanes = kLanes,
    .exp2_fast = [](const float* in, float* out, int64_t n) { apply(in, out, n, [](Vec a) { return exp2_fast(a); }); },
    .exp = [](const float* in, float* out, int64_t n) { apply(in, out, n, [](Vec a) { return exp(a); }); },
    .softplus = [](const float* in, float* out, int64_t n) { apply(in, out, n, [](Vec a) { return softplus(a); }); },
    .silu = [](const float* in, float* out, int64_t n) { apply(in, out, n, [](Vec a) { return silu(a); }); },
    .sums =
        [](const float* a, const float* b, const float* c, const float* d, float* out) {
            sum4(load(a), load(b), load(c), load(d), out);
            out[4] = sum(load(a));
        },
    .unpack =
        [](DType format, const void* row, int64_t k0, int64_t count, float* out) {
            with_format(format, [&]<DType F>() { unpack_row<F>(static_cast<const std::byte*>(row), k0, count, out); });
        },
    .make_pool = [](int n_threads, std::vector<int> processors) -> std::unique_ptr<ProbedPool> {
        return std::make_unique<Pool>(
            ThreadPool::Options{.n_threads = n_threads, .processors = std::move(processors), .executor = {}});
    },
    .make_executor_pool = [](const krait_host_executor& executor) -> std::unique_ptr<ProbedPool> {
        return std::make_unique<Pool>(ThreadPool::Options{.n_threads = 1, .processors = {}, .executor = executor});
    }};

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
