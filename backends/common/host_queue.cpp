// SPDX-License-Identifier: Apache-2.0
#include "backends/common/host_queue.hpp"

#include <chrono>
#include <cstring>

#include "backends/common/host_device.hpp"

namespace krait::plugin::host {
namespace {

// The shim has checked that the buffer holds values of this device, and so that it is one of ours.
std::byte* bytes_at(Buffer& buffer, uint64_t offset) { return static_cast<HostBuffer&>(buffer).data() + offset; }

}  // namespace

// ---- HostEvent ------------------------------------------------------------------------------------------------------

bool HostEvent::wait(uint64_t value, uint64_t timeout_ns) {
    if (this->value() >= value) return true;
    // A timeout beyond what the clock can add up to is none.
    constexpr uint64_t kForever = uint64_t{1} << 60;
    const auto reached = [&] { return this->value() >= value; };
    std::unique_lock lock(mutex_);
    if (timeout_ns >= kForever) {
        advanced_.wait(lock, reached);
        return true;
    }
    return advanced_.wait_until(lock, std::chrono::steady_clock::now() + std::chrono::nanoseconds(timeout_ns), reached);
}

void HostEvent::advance(uint64_t value) {
    const std::lock_guard lock(mutex_);
    if (value <= this->value())
        throw_error(ErrorCode::invalid_argument, "the event stands at {}; a signal must be larger, {} is not", this->value(),
                    value);
    value_.store(value, std::memory_order_release);
    advanced_.notify_all();
}

// ---- HostQueue: when work is done -----------------------------------------------------------------------------------

HostQueue::~HostQueue() {
    wait_until_idle();
    if (!worker_.joinable()) return;
    {
        const std::lock_guard lock(mutex_);
        stop_ = true;
    }
    changed_.notify_all();
    worker_.join();
}

// Now, or behind what is pending. body must own what it needs later: callers that borrow memory copy it first.
template <class Body>
void HostQueue::submit(Body&& body) {
    if (!idle()) return defer(std::forward<Body>(body));
    try {
        body();
    } catch (...) {
        remember(std::current_exception());
        throw;
    }
}

void HostQueue::defer(Work work) {
    {
        const std::lock_guard lock(mutex_);
        pending_.push_back(std::move(work));
        n_pending_.store(pending_.size(), std::memory_order_release);
        if (!worker_.joinable()) {
            try {
                worker_ = std::thread([this] { work_off(); });
            } catch (...) {
                pending_.pop_back();
                n_pending_.store(pending_.size(), std::memory_order_release);
                throw_error(ErrorCode::unavailable, "no thread could be started to wait for an event");
            }
        }
    }
    changed_.notify_all();
}

void HostQueue::work_off() {
    std::unique_lock lock(mutex_);
    for (;;) {
        changed_.wait(lock, [&] { return stop_ || !pending_.empty(); });
        if (pending_.empty()) return;
        Work& work = pending_.front();  // a deque keeps it in place while others are added behind it
        lock.unlock();
        try {
            work();
        } catch (...) {
            remember(std::current_exception());
        }
        lock.lock();
        pending_.pop_front();
        n_pending_.store(pending_.size(), std::memory_order_release);
        changed_.notify_all();
    }
}

void HostQueue::wait_until_idle() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return pending_.empty(); });
}

void HostQueue::remember(std::exception_ptr error) {
    const std::lock_guard lock(mutex_);
    if (!first_error_) first_error_ = std::move(error);
}

void HostQueue::sync() {
    wait_until_idle();
    std::exception_ptr error;
    {
        const std::lock_guard lock(mutex_);
        error = std::exchange(first_error_, nullptr);
    }
    if (error) std::rethrow_exception(error);
}

// ---- HostQueue: the work --------------------------------------------------------------------------------------------

void HostQueue::write(Buffer& dst, uint64_t dst_offset, const void* src, uint64_t size) {
    std::byte* to = bytes_at(dst, dst_offset);
    if (idle()) return void(std::memcpy(to, src, size));
    const auto* bytes = static_cast<const std::byte*>(src);
    defer([to, copied = std::vector<std::byte>(bytes, bytes + size)] { std::memcpy(to, copied.data(), copied.size()); });
}

void HostQueue::read(void* dst, Buffer& src, uint64_t src_offset, uint64_t size) {
    submit([dst, from = bytes_at(src, src_offset), size] { std::memcpy(dst, from, size); });
}

void HostQueue::copy(Buffer& dst, uint64_t dst_offset, Buffer& src, uint64_t src_offset, uint64_t size) {
    submit([to = bytes_at(dst, dst_offset), from = bytes_at(src, src_offset), size] { std::memcpy(to, from, size); });
}

void HostQueue::run(Program& program, const DimSizes& sizes) {
    submit([this, what = &static_cast<HostProgram&>(program), sizes] { what->run(*context_, sizes); });
}

void HostQueue::export_memory(Buffer& memory, int64_t unit, void* dst, uint64_t size) {
    submit([pool = &static_cast<MemoryPool&>(memory), unit, dst, size] {
        // The caller's memory need not be aligned for floats; that of a vector is.
        if (reinterpret_cast<uintptr_t>(dst) % alignof(float) == 0)
            return pool->to_canonical(pool->unit(unit), static_cast<std::byte*>(dst));
        std::vector<std::byte> canonical(size);
        pool->to_canonical(pool->unit(unit), canonical.data());
        std::memcpy(dst, canonical.data(), size);
    });
}

void HostQueue::import_memory(Buffer& memory, int64_t unit, const void* src, uint64_t size) {
    auto& pool = static_cast<MemoryPool&>(memory);
    const auto* bytes = static_cast<const std::byte*>(src);
    if (idle() && reinterpret_cast<uintptr_t>(src) % alignof(float) == 0)
        return submit([&] { pool.from_canonical(bytes, pool.unit(unit)); });
    submit([&pool, unit, canonical = std::vector<std::byte>(bytes, bytes + size)] {
        pool.from_canonical(canonical.data(), pool.unit(unit));
    });
}

void HostQueue::copy_memory(Buffer& memory, int64_t src_unit, int64_t dst_unit) {
    submit([pool = &static_cast<MemoryPool&>(memory), src_unit, dst_unit] {
        std::memcpy(pool->unit(dst_unit), pool->unit(src_unit), pool->unit_bytes());
    });
}

void HostQueue::signal(Event& event, uint64_t value) {
    submit([what = &static_cast<HostEvent&>(event), value] { what->advance(value); });
}

void HostQueue::wait(Event& event, uint64_t value) {
    auto& what = static_cast<HostEvent&>(event);
    if (idle() && what.value() >= value) return;
    defer([&what, value] { what.wait(value, UINT64_MAX); });
}

}  // namespace krait::plugin::host
