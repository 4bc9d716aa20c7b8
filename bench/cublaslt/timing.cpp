// SPDX-License-Identifier: Apache-2.0
#include "bench/cublaslt/timing.hpp"

#include <optional>

#include "bench/product_shapes.hpp"

namespace krait::bench {
namespace {

constexpr uint64_t kAlignment = 256;  // what cublasLt takes for granted
constexpr uint64_t kMinProducts = 20,
                   kMaxProducts = 1024;  // of a graph: long against what launching it takes; quick to record
constexpr int kTrials = 3;               // of an algorithm that is tried

uint64_t aligned(uint64_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }
uint64_t set_bytes(const ProductSize& size) {
    return aligned(size.weight_bytes()) + aligned(size.x_bytes()) + aligned(size.y_bytes());
}

// The i-th set of operands of those that fit, round and round.
Operands operands_of(const ProductSize& size, std::byte* numbers, uint64_t n_bytes, uint64_t i) {
    std::byte* w = numbers + i % (n_bytes / set_bytes(size)) * set_bytes(size);
    std::byte* x = w + aligned(size.weight_bytes());
    return {w, x, x + aligned(size.x_bytes())};
}

// One graph that is launched again and again.
class Timed {
  public:
    static Result<Timed> record(const LtDevice& device, const LtProduct& product, size_t algorithm, const ProductSize& size,
                                std::byte* numbers, uint64_t n_bytes) {
        const uint64_t n_sets = n_bytes / set_bytes(size);
        Timed timed;
        timed.stream_ = device.stream.get();
        timed.n_products_ = std::clamp(n_sets, kMinProducts, kMaxProducts);
        // Once before: what loads the kernel may not happen while a graph is recorded.
        KRAIT_CHECK(product.enqueue(algorithm, operands_of(size, numbers, n_bytes, 0)));
        KRAIT_CALL(cudaStreamSynchronize(timed.stream_));
        KRAIT_CALL(cudaStreamBeginCapture(timed.stream_, cudaStreamCaptureModeRelaxed));
        Result<void> enqueued;
        for (uint64_t i = 0; enqueued && i < timed.n_products_; ++i)
            enqueued = product.enqueue(algorithm, operands_of(size, numbers, n_bytes, i));
        cudaGraph_t recorded = nullptr;
        const cudaError_t ended = cudaStreamEndCapture(timed.stream_, &recorded);  // whatever came of it: the stream is used on
        const Graph graph(recorded);
        KRAIT_CHECK(std::move(enqueued));
        KRAIT_CHECK(checked(ended, "cudaStreamEndCapture"));
        cudaGraphExec_t executable = nullptr;
        KRAIT_CALL(cudaGraphInstantiate(&executable, graph.get(), 0));
        timed.executable_.reset(executable);
        cudaEvent_t event = nullptr;
        KRAIT_CALL(cudaEventCreate(&event));
        timed.begin_.reset(event);
        KRAIT_CALL(cudaEventCreate(&event));
        timed.end_.reset(event);
        return timed;
    }

    // Microseconds of a product, once for each time.
    Result<Spread> run(int times) const {
        KRAIT_CALL(cudaGraphLaunch(executable_.get(), stream_));
        std::vector<double> us;
        for (int i = 0; i < times; ++i) {
            float ms = 0;
            KRAIT_CALL(cudaEventRecord(begin_.get(), stream_));
            KRAIT_CALL(cudaGraphLaunch(executable_.get(), stream_));
            KRAIT_CALL(cudaEventRecord(end_.get(), stream_));
            KRAIT_CALL(cudaEventSynchronize(end_.get()));
            KRAIT_CALL(cudaEventElapsedTime(&ms, begin_.get(), end_.get()));
            us.push_back(1e3 * static_cast<double>(ms) / static_cast<double>(n_products_));
        }
        return spread_of(std::move(us));
    }

  private:
    Timed() = default;
    cudaStream_t stream_ = nullptr;
    uint64_t n_products_ = 0;
    Executable executable_;
    Event begin_, end_;
};

}  // namespace

uint64_t cold_bytes_of(const LtDevice& device) { return std::max(kColdBytes, 4 * device.l2_bytes); }

uint64_t numbers_for(const ProductSize& size, uint64_t cold_bytes) { return cold_bytes + set_bytes(size); }

Result<LtTiming> time_product(const LtDevice& device, const ProductSize& size, std::byte* numbers, uint64_t n_bytes,
                              int repetitions) {
    KRAIT_TRY(const LtProduct product, LtProduct::create(device, size));
    std::optional<Timed> fastest;
    double min_us = 0;
    std::optional<Error> error;
    for (size_t i = 0; i < product.n_algorithms(); ++i) {
        auto timed = Timed::record(device, product, i, size, numbers, n_bytes);
        if (!timed && timed.error().code == ErrorCode::unsupported) {  // offered, and then it does not take it
            error = std::move(timed).error();
            continue;
        }
        if (!timed) return tl::unexpected<Error>(std::move(timed).error());
        KRAIT_TRY(const Spread us, timed->run(kTrials));
        if (fastest && us.median >= min_us) continue;
        min_us = us.median;
        fastest = std::move(*timed);
    }
    if (!fastest) return tl::unexpected<Error>(std::move(*error));
    KRAIT_TRY(const Spread us, fastest->run(repetitions));
    return LtTiming{us, product.n_algorithms(), std::min(n_bytes / set_bytes(size), kMaxProducts)};
}

}  // namespace krait::bench
