// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/host_emulation/block.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <numeric>

#include "backends/cuda/host_emulation/indices.hpp"
#include "backends/cuda/host_emulation/shuffle.hpp"

namespace krait::cuda {

constinit thread_local emulation::Index3 threadIdx, blockIdx, blockDim, gridDim;

namespace emulation {

Block& Block::current() {
    thread_local Block block;
    return block;
}

// ---- running a block ------------------------------------------------------------------------------------------------

void Block::run(const KernelCall& call, Index3 index, Order order, const DeviceMemory& memory, ClosedMemory* closed) {
    memory_ = &memory;
    closed_ = closed;
    start(call, index, order);
    try {
        if (closed) closed->close();
        while (n_live_ > 0) {
            progress_ = false;
            sweep();
            if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
            if (!progress_) report_deadlock();
        }
        shared_.check();
    } catch (...) {
        abandon();
        throw;
    }
}

void Block::start(const KernelCall& call, Index3 index, Order order) {
    call_ = &call;
    n_threads_ = n_live_ = static_cast<uint32_t>(call.block.count());
    n_at_barrier_ = 0;
    n_to_wait_ = n_threads_;
    order_ = order;
    blockIdx = index;
    blockDim = call.block;
    gridDim = call.grid;
    if (threads_.size() < n_threads_) threads_.resize(n_threads_);
    for (uint32_t i = 0; i < n_threads_; ++i) {
        threads_[i].state = State::fresh;
        threads_[i].has_waited = !call.early;
        threads_[i].copies.clear();
        threads_[i].copy_group = 0;
    }
    meetings_.resize((n_threads_ + kWarpLanes - 1) / kWarpLanes);
    product_meetings_.assign(n_threads_ / kWarpgroupThreads, {});
    products_.begin_block(n_threads_);
    shared_.begin_block(call.dynamic_shared, n_threads_);
    if (order == Order::shuffled && shuffled_.size() != n_threads_) shuffled_ = shuffled_order(n_threads_);
}

uint32_t Block::at_position(uint32_t position) const {
    switch (order_) {
        case Order::forward: return position;
        case Order::reverse: return n_threads_ - 1 - position;
        case Order::shuffled: return shuffled_[position];
    }
    return position;
}

// Every thread that can run gets its turn once.
void Block::sweep() {
    for (position_ = 0; position_ < n_threads_ && !failure_; ++position_) {
        const uint32_t i = at_position(position_);
        Thread& thread = threads_[i];
        if (thread.state == State::fresh) {
            if (idle_.empty()) {
                fibers_.push_back(std::make_unique<Fiber>([this](Fiber& fiber) { run_threads(fiber); }));
                idle_.push_back(fibers_.back().get());
            }
            Fiber* fiber = idle_.back();
            idle_.pop_back();
            fiber->resume();
        } else if (thread.state == State::ready) {
            enter(i);
            thread.fiber->resume();
        } else {
            continue;
        }
        progress_ = true;
    }
}

// On a fiber: the thread at position_, and those after it as long as they are fresh: a thread that never waits costs no switch.
void Block::run_threads(Fiber& fiber) {
    for (;;) {
        const uint32_t i = at_position(position_);
        threads_[i].fiber = &fiber;
        enter(i);
        try {
            call_->thread(call_->arguments);
            if (!threads_[i].has_waited) kernel_failure("thread {} ends and has not waited for earlier kernels", i);
            products_.check_end(i);
            finish(i);
        } catch (const boost::context::detail::forced_unwind&) {
            throw;
        } catch (...) {
            failure_ = std::current_exception();
        }
        if (failure_ || position_ + 1 >= n_threads_ || threads_[at_position(position_ + 1)].state != State::fresh) break;
        ++position_;
    }
    idle_.push_back(&fiber);
}

void Block::enter(uint32_t thread) {
    running_ = thread;
    const Index3& block = call_->block;
    threadIdx = {thread % block.x, thread / block.x % block.y, thread / (block.x * block.y)};
}

void Block::finish(uint32_t thread) {
    threads_[thread].state = State::done;
    --n_live_;
    release_barrier_if_complete();
}

void Block::suspend(State state, Site site) {
    check_touched(site);
    Thread& self = threads_[running_];
    self.state = state;
    self.waits_at = site;
    self.fiber->suspend();
}

// After a failure: fibers with a thread half way through are unwound and made anew when needed.
void Block::abandon() {
    if (closed_) closed_->open();
    idle_.clear();
    fibers_.clear();
    for (auto& warp : meetings_) warp.clear();
    n_live_ = 0;
    failure_ = nullptr;
}

// ---- earlier kernels ------------------------------------------------------------------------------------------------

void Block::wait_for_earlier_kernels(Site site) {
    Thread& self = threads_[running_];
    if (self.has_waited) return;
    check_touched(site);
    self.has_waited = true;
    if (--n_to_wait_ > 0) return suspend(State::before_kernels, site);
    closed_->open();
    for (uint32_t i = 0; i < n_threads_; ++i)
        if (threads_[i].state == State::before_kernels) threads_[i].state = State::ready;
}

void Block::check_touched(Site site) const {
    if (closed_ && closed_->touched())
        kernel_failure("{}: thread {} comes here after it touched {}, which earlier kernels may use, before it waited for them",
                       site.text(), running_, memory_->place_of(closed_->touched()));
}

void Block::prefetch(const void* from, size_t bytes, Site site) const {
    if (bytes > 0 && !memory_->holds(from, bytes))
        kernel_failure("{}: a prefetch of {} bytes that do not lie in one piece of device memory", site.text(), bytes);
}

// ---- barriers -------------------------------------------------------------------------------------------------------

void Block::barrier(Site site) {
    check_touched(site);
    shared_.publish(running_);
    if (n_at_barrier_ == 0) barrier_site_ = site;
    if (!(site == barrier_site_))
        kernel_failure("divergent barrier: thread {} waits at {}, others at {}", running_, site.text(), barrier_site_.text());
    ++n_at_barrier_;
    threads_[running_].state = State::at_barrier;
    release_barrier_if_complete();
    // The last one to come is free already, but lets the others go first: whoever ran ahead has had its turn.
    if (threads_[running_].state == State::ready) threads_[running_].waits_at = site, threads_[running_].fiber->suspend();
    else suspend(State::at_barrier, site);
}

void Block::release_barrier_if_complete() {
    if (n_at_barrier_ == 0 || n_at_barrier_ < n_live_) return;
    n_at_barrier_ = 0;
    for (uint32_t i = 0; i < n_threads_; ++i)
        if (threads_[i].state == State::at_barrier) threads_[i].state = State::ready;
}

// ---- warps ----------------------------------------------------------------------------------------------------------

uint32_t Block::lanes_of(uint32_t warp) const {
    const uint32_t n = std::min(kWarpLanes, n_threads_ - warp * kWarpLanes);
    return n == kWarpLanes ? 0xffffffffu : (1u << n) - 1;
}

void Block::rendezvous(Site site, uint32_t mask, void* payload, Combine combine) {
    const uint32_t warp = running_ / kWarpLanes, self = running_ % kWarpLanes;
    const uint32_t wanted = mask & lanes_of(warp);  // lanes that the block never had are no lanes
    if ((wanted >> self & 1) == 0) kernel_failure("{}: lane {} is not in its own mask {:#010x}", site.text(), self, mask);
    std::vector<Meeting>& open = meetings_[warp];
    auto meeting = std::find_if(open.begin(), open.end(), [&](const Meeting& m) { return m.site == site && m.mask == mask; });
    if (meeting == open.end()) {
        open.push_back({site, mask, 0, combine, {}});
        meeting = open.end() - 1;
    }
    meeting->payload[self] = payload;
    meeting->arrived |= 1u << self;
    if (meeting->arrived != wanted) {
        threads_[running_].mask = mask;
        return suspend(State::in_warp, site);
    }
    const Meeting complete = *meeting;
    open.erase(meeting);
    complete.combine(complete.payload, wanted);
    for (uint32_t lanes = wanted; lanes != 0; lanes &= lanes - 1) {
        Thread& other = threads_[warp * kWarpLanes + static_cast<uint32_t>(std::countr_zero(lanes))];
        if (other.state == State::in_warp && other.waits_at == site && other.mask == mask) other.state = State::ready;
    }
}

// ---- warpgroups -----------------------------------------------------------------------------------------------------

void Block::multiply(Site site, ProductLane& self) {
    const uint32_t warpgroup = running_ / kWarpgroupThreads;
    if (warpgroup >= product_meetings_.size())
        kernel_failure("{}: a block of {} threads: a product takes whole warpgroups of {}", site.text(), n_threads_,
                       kWarpgroupThreads);
    ProductMeeting& meeting = product_meetings_[warpgroup];
    if (meeting.n_arrived == 0) meeting.site = site;
    if (!(meeting.site == site))
        kernel_failure("{}: thread {} of a warpgroup multiplies here, others at {}", site.text(), running_,
                       meeting.site.text());
    meeting.lanes[running_ % kWarpgroupThreads] = &self;
    if (++meeting.n_arrived < kWarpgroupThreads) return suspend(State::in_warpgroup, site);
    meeting.n_arrived = 0;
    products_.issue(warpgroup, meeting.lanes, shared_, site);
    for (uint32_t i = warpgroup * kWarpgroupThreads; i < (warpgroup + 1) * kWarpgroupThreads; ++i)
        if (threads_[i].state == State::in_warpgroup) threads_[i].state = State::ready;
}

void Block::wait_for_products(Site site, uint32_t groups_left) {
    rendezvous(site, 0xffffffffu, &groups_left, [](void* const(&payload)[kWarpLanes], uint32_t) {
        Block& block = Block::current();
        block.products_.wait(block.running_ / kWarpLanes, *static_cast<uint32_t*>(payload[0]), block.shared_);
    });
}

void Block::store(const void* to, size_t size, Site site) {
    if (!shared_.holds(to)) return;
    products_.check_store(shared_.address(to, site), size, site);
    shared_.stored(running_, to, size);
}

// ---- copies that happen later -----------------------------------------------------------------------------------------

void Block::copy_later(void* to, const void* from, uint32_t size, uint32_t bytes, Site site) {
    if (shared_.holds(to)) products_.check_store(shared_.address(to, site), size, site);
    Thread& self = threads_[running_];
    if (!self.has_waited && bytes > 0) {  // on a device it may happen at once
        const auto* source = static_cast<const volatile std::byte*>(from);
        static_cast<void>(source[0]), static_cast<void>(source[bytes - 1]);
    }
    self.copies.push_back({to, from, size, bytes, self.copy_group});
}

void Block::commit_copies() { ++threads_[running_].copy_group; }

void Block::wait_for_copies(uint32_t groups_left) {
    Thread& self = threads_[running_];
    const auto still_open = [&](const Copy& copy) { return copy.group + groups_left >= self.copy_group; };
    for (const Copy& copy : self.copies) {
        if (still_open(copy)) continue;
        if (copy.bytes > 0) std::memcpy(copy.to, copy.from, copy.bytes);
        std::memset(static_cast<std::byte*>(copy.to) + copy.bytes, 0, copy.size - copy.bytes);
        shared_.stored(running_, copy.to, copy.size);
    }
    std::erase_if(self.copies, [&](const Copy& copy) { return !still_open(copy); });
}

// ---- what went wrong ------------------------------------------------------------------------------------------------

void Block::report_deadlock() const {
    std::string who;
    size_t told = 0;
    for (uint32_t i = 0; i < n_threads_; ++i) {
        const Thread& thread = threads_[i];
        if (thread.state == State::fresh || thread.state == State::ready || thread.state == State::done) continue;
        // Among threads that wait in one place the first is told.
        bool first = true;
        for (uint32_t j = 0; j < i && first; ++j)
            first = !(threads_[j].state == thread.state && threads_[j].waits_at == thread.waits_at &&
                      threads_[j].mask == thread.mask);
        if (!first || told == 4) continue;
        ++told;
        who += fmt::format("{}thread {} {} {}", who.empty() ? "" : ", ", i,
                           thread.state == State::before_kernels ? "for earlier kernels"
                           : thread.state == State::at_barrier   ? "at the barrier"
                           : thread.state == State::in_warp      ? "with its warp"
                                                                 : "with its warpgroup",
                           thread.waits_at.text());
        if (thread.state == State::in_warp) who += fmt::format(" (mask {:#010x})", thread.mask);
    }
    const uint32_t n_done = n_threads_ - n_live_;
    kernel_failure("deadlock: {} of {} threads wait and nobody comes: {}{}", n_live_, n_threads_, who,
                   n_done > 0 ? fmt::format("; {} have ended", n_done) : "");
}

}  // namespace emulation
}  // namespace krait::cuda
