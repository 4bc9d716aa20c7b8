// SPDX-License-Identifier: Apache-2.0
//
// Shared memory as the asynchronous proxy sees it, through which a warpgroup's product reads. What threads store arrives there
// when the thread that stored has said so (async_proxy_fence) and come to a barrier afterwards. A store counts by the words
// that write for a product: copy_async (from its wait on) and store_vector; what is stored otherwise never arrives.
#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

#include "backends/cuda/host_emulation/failure.hpp"

namespace krait::cuda::emulation {

class AsyncView {
  public:
    void begin_block(uint32_t n_threads) {
        threads_.resize(n_threads);
        for (Thread& thread : threads_) thread = {};
        fresh_ = true;
    }
    void stored(uint32_t thread, size_t at, size_t size) { threads_[thread].stored.push_back({at, size}); }
    // Publishes the data that the thread has stored so far, as it is now.
    void fence(uint32_t thread, const std::byte* memory) {
        Thread& self = threads_[thread];
        self.fenced.insert(self.fenced.end(), self.stored.begin(), self.stored.end());
        for (const Range& range : self.stored)
            self.bytes.insert(self.bytes.end(), memory + range.at, memory + range.at + range.size);
        self.stored.clear();
    }
    // The thread came to a barrier.
    void publish(uint32_t thread, size_t room) {
        Thread& self = threads_[thread];
        if (self.fenced.empty()) return;
        prepare(room);
        const std::byte* from = self.bytes.data();
        for (const Range& range : self.fenced) std::memcpy(seen_.data() + range.at, from, range.size), from += range.size;
        self.fenced.clear();
        self.bytes.clear();
    }
    // Whether the data at `at` now is what was published.
    bool is_current(const std::byte* memory, size_t room, size_t at, size_t size) {
        prepare(room);
        return std::memcmp(seen_.data() + at, memory + at, size) == 0;
    }

  private:
    struct Range {
        size_t at, size;
    };
    struct Thread {
        std::vector<Range> stored, fenced;
        std::vector<std::byte> bytes;  // of fenced
    };
    void prepare(size_t room) {
        if (!fresh_) return;
        fresh_ = false;
        seen_.assign(room, std::byte{0xff});  // as arrays are when a block begins
    }

    std::vector<Thread> threads_;
    std::vector<std::byte> seen_;
    bool fresh_ = true;
};

}  // namespace krait::cuda::emulation
