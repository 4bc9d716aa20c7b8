// SPDX-License-Identifier: Apache-2.0
#include "bench/ceilings/ceilings.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>

#include "bench/ceilings/kernels.hpp"
#include "bench/ceilings/workers.hpp"

namespace krait::bench {
namespace {

constexpr uint64_t kHugePage = uint64_t{2} << 20;

// Memory that no cache holds, filled by the threads that will read it, in large pages where the system gives them.
class ReadBuffer {
  public:
    ReadBuffer(uint64_t bytes, const Workers& workers)
        : part_(std::max(bytes / static_cast<uint64_t>(workers.size()) / kHugePage, uint64_t{1}) * kHugePage),
          bytes_(part_ * static_cast<uint64_t>(workers.size())),
          memory_(static_cast<std::byte*>(std::aligned_alloc(kHugePage, bytes_))) {
        if (!memory_) throw std::bad_alloc();
#if defined(MADV_HUGEPAGE)
        (void)madvise(memory_.get(), bytes_, MADV_HUGEPAGE);
#endif
        workers.run([&](int thread) { std::memset(part(thread), thread + 1, part_); });
    }

    std::byte* part(int thread) const { return memory_.get() + static_cast<uint64_t>(thread) * part_; }
    uint64_t part_bytes() const { return part_; }
    uint64_t bytes() const { return bytes_; }

  private:
    struct Free {
        void operator()(std::byte* memory) const { std::free(memory); }
    };
    uint64_t part_, bytes_;
    std::unique_ptr<std::byte, Free> memory_;
};

uint64_t default_buffer_bytes() {
    const uint64_t wanted = std::max(uint64_t{256} << 20, 4 * last_level_cache_bytes());
    const long pages = sysconf(_SC_AVPHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    if (pages <= 0 || page <= 0) return wanted;
    return std::min(wanted, static_cast<uint64_t>(pages) * static_cast<uint64_t>(page) / 4);
}

double read_rate(const Workers& workers, const ReadKernel& kernel, const ReadBuffer& buffer, const CeilingOptions& options) {
    std::atomic<uint64_t> sink{0};
    const auto pass = [&](int thread) { sink += kernel.sum(buffer.part(thread), buffer.part_bytes()); };
    double best = workers.run(pass), all = 0;
    for (int run = 0; run < options.runs || all < options.run_seconds * options.runs; ++run) {
        const double seconds = workers.run(pass);
        all += seconds;
        best = std::min(best, seconds);
    }
    return static_cast<double>(buffer.bytes()) / best;
}

double peak_rate(const Workers& workers, const PeakKernel& kernel, const CeilingOptions& options) {
    // As many rounds as take run_seconds, found by doubling; each thread does all of them.
    int64_t rounds = 1024;
    double seconds = 0;
    for (;; rounds *= 2) {
        seconds = workers.run([&](int) { kernel.run(rounds); });
        if (seconds >= options.run_seconds / 2 || rounds > (INT64_MAX >> 2)) break;
    }
    double best = seconds;
    for (int run = 1; run < options.runs; ++run) best = std::min(best, workers.run([&](int) { kernel.run(rounds); }));
    return kernel.operations_per_round * static_cast<double>(rounds) * workers.size() / best;
}

}  // namespace

const char* number_name(Number number) {
    constexpr const char* kNames[] = {"f32", "bf16", "int16", "int8"};
    return kNames[static_cast<size_t>(number)];
}

const Peak* Ceilings::best(Number number) const {
    const Peak* best = nullptr;
    for (const Peak& peak : peaks)
        if (peak.number == number && (!best || peak.operations_per_second > best->operations_per_second)) best = &peak;
    return best;
}

const Peak& Ceilings::highest() const {
    return *std::max_element(peaks.begin(), peaks.end(),
                             [](const Peak& a, const Peak& b) { return a.operations_per_second < b.operations_per_second; });
}

uint64_t last_level_cache_bytes() {
    // Linux: one folder for each cache; sizes as "32768K".
    uint64_t largest = 0;
    for (int index = 0; index < 8; ++index) {
        std::ifstream file("/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(index) + "/size");
        uint64_t size = 0;
        char suffix = 0;
        if (!(file >> size)) continue;
        if (file >> suffix) size <<= suffix == 'K' ? 10 : suffix == 'M' ? 20 : suffix == 'G' ? 30 : 0;
        largest = std::max(largest, size);
    }
    return largest;
}

Ceilings measure_ceilings(const CeilingOptions& options) {
    const Workers workers(std::max(options.n_threads, 1));
    std::vector<const PeakKernel*> peaks;
    for (const auto kernels : {portable_peaks(), x86_peaks(), amx_peaks()})
        for (const PeakKernel& kernel : kernels)
            if (kernel.available()) peaks.push_back(&kernel);
    std::vector<const ReadKernel*> reads;
    for (const ReadKernel& kernel : read_kernels())
        if (kernel.available()) reads.push_back(&kernel);

    Ceilings ceilings;
    ceilings.n_threads = workers.size();
    uint64_t done = 0;
    const auto step = [&] {
        if (options.progress) options.progress(++done, peaks.size() + reads.size());
    };
    {
        const ReadBuffer buffer(options.buffer_bytes > 0 ? options.buffer_bytes : default_buffer_bytes(), workers);
        ceilings.buffer_bytes = buffer.bytes();
        for (const ReadKernel* kernel : reads) {
            ceilings.read_bytes_per_second =
                std::max(ceilings.read_bytes_per_second, read_rate(workers, *kernel, buffer, options));
            step();
        }
    }
    for (const PeakKernel* kernel : peaks) {
        ceilings.peaks.push_back({kernel->number, kernel->unit, peak_rate(workers, *kernel, options)});
        step();
    }
    return ceilings;
}

}  // namespace krait::bench
