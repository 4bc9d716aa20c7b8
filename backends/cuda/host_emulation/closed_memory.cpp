// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/host_emulation/closed_memory.hpp"

#include <signal.h>
#include <sys/mman.h>

#include <algorithm>

#include "backends/cuda/host_emulation/failure.hpp"

namespace krait::cuda::emulation {
namespace {

constinit thread_local ClosedMemory* closed_here = nullptr;

// The handler of SIGSEGV is the process's own: ours as long as somebody may close memory.
std::mutex handler_mutex;
int n_users = 0;
struct sigaction handler_before;

void on_fault(int signal, siginfo_t* info, void* context) {
    if (closed_here && closed_here->take_fault(info->si_addr)) return;
    if ((handler_before.sa_flags & SA_SIGINFO) != 0) return handler_before.sa_sigaction(signal, info, context);
    if (handler_before.sa_handler != SIG_DFL && handler_before.sa_handler != SIG_IGN) return handler_before.sa_handler(signal);
    sigaction(SIGSEGV, &handler_before, nullptr);  // the access happens again, and ends the process
}

void add_user() {
    const std::lock_guard lock(handler_mutex);
    if (n_users++ > 0) return;
    struct sigaction action {};
    action.sa_sigaction = &on_fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;  // where the thread has no other stack, on its own
    sigemptyset(&action.sa_mask);
    sigaction(SIGSEGV, &action, &handler_before);
}
void remove_user() {
    const std::lock_guard lock(handler_mutex);
    if (--n_users > 0) return;
    struct sigaction now {};
    sigaction(SIGSEGV, nullptr, &now);
    if ((now.sa_flags & SA_SIGINFO) != 0 && now.sa_sigaction == &on_fault) sigaction(SIGSEGV, &handler_before, nullptr);
}

}  // namespace

ClosedMemory::ClosedMemory(const DeviceMemory& memory) {
    for (const std::span<std::byte> pages : memory.pages_to_close()) {
        // Neighbours are closed in one call.
        if (!pages_.empty() && pages_.back().data() + pages_.back().size() == pages.data())
            pages_.back() = {pages_.back().data(), pages_.back().size() + pages.size()};
        else pages_.push_back(pages);
    }
    add_user();
}

ClosedMemory::~ClosedMemory() {
    open();
    remove_user();
}

void ClosedMemory::close() {
    touched_ = nullptr;
    closed_ = true;
    closed_here = this;
    for (const std::span<std::byte> pages : pages_)
        if (mprotect(pages.data(), pages.size(), PROT_NONE) != 0) {
            open();
            kernel_failure("{} bytes of memory cannot be closed to kernels that have not waited", pages.size());
        }
}

void ClosedMemory::open() noexcept {
    if (!closed_) return;
    for (const std::span<std::byte> pages : pages_) mprotect(pages.data(), pages.size(), PROT_READ | PROT_WRITE);
    closed_ = false;
    closed_here = nullptr;
}

bool ClosedMemory::take_fault(void* address) noexcept {
    const auto* at = static_cast<const std::byte*>(address);
    const bool here = closed_ && std::any_of(pages_.begin(), pages_.end(), [&](const std::span<std::byte>& pages) {
                          return at >= pages.data() && at < pages.data() + pages.size();
                      });
    if (!here) return false;
    touched_ = address;
    open();
    return true;
}

}  // namespace krait::cuda::emulation
