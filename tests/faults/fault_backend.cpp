// SPDX-License-Identifier: Apache-2.0
//
// The reference backend with faults, as the option of its device says:
//   declines=<op>   it does not take that op
//   fail_alloc=<n>  the n-th allocation fails (buffers, constants, memories, queues, programs), once
//   fail_run=<n>    the n-th run fails, once
//   fail_write=<n>  the n-th write to the device fails, once
//   fail_copy=<n>   the n-th copy of a unit of memory fails, once
//   lose=<n>        from the n-th run on the device is gone: every call fails
//   meet=<n>        the n-th run ends when another has begun meanwhile, and fails where none does within a minute
// Faults and counters are those of the device that was opened last. When the last device is closed and something still lives,
// that is a leak, and goes to the host's log as an error.
#include <atomic>
#include <chrono>
#include <cstring>
#include <mutex>
#include <string>
#include <thread>
#include <tuple>

#include "backends/cpu/reference/kernels.hpp"

#include "core/ops/op_list.hpp"

namespace krait::fault {
namespace {

class Device final : public plugin::host::Device {
  public:
    Device() : plugin::host::Device(reference::kOpTable) {}
    std::unique_ptr<plugin::KernelContext> create_context() override { return std::make_unique<reference::Context>(); }
};

struct Faults {
    std::string declines;
    int64_t fail_alloc = 0, fail_run = 0, fail_write = 0, fail_copy = 0, lose = 0, meet = 0;
};

std::mutex mutex;  // of faults
Faults faults;
std::atomic<int64_t> n_allocations{0}, n_runs{0}, n_writes{0}, n_copies{0}, n_live{0}, n_open{0};
std::atomic<bool> is_lost{false};
krait_backend plain;  // without faults

krait_status refuse(krait_error* err, krait_status status, const std::string& text) {
    if (err) {
        err->code = status;
        std::strncpy(err->message, text.c_str(), sizeof err->message - 1);
        err->message[sizeof err->message - 1] = '\0';
    }
    return status;
}

krait_status lost(krait_error* err) { return refuse(err, KRAIT_STATUS_DEVICE_LOST, "the device is gone, as it was asked to"); }

template <class Create>
krait_status allocate(krait_error* err, Create&& create) {
    if (is_lost) return lost(err);
    const int64_t n = ++n_allocations;
    if (n == faults.fail_alloc)
        return refuse(err, KRAIT_STATUS_OUT_OF_MEMORY, "allocation " + std::to_string(n) + " fails, as it was asked to");
    const krait_status status = create();
    if (status == KRAIT_STATUS_OK) ++n_live;
    return status;
}

// A function of the table that fails once the device is lost.
template <auto Member>
struct Guarded;
template <class... Args, krait_status (*krait_backend::*Member)(Args...)>
struct Guarded<Member> {
    static krait_status call(Args... args) {
        if (is_lost) return lost(std::get<sizeof...(Args) - 1>(std::tuple<Args...>(args...)));
        return (plain.*Member)(args...);
    }
};

krait_status open(uint32_t index, const krait_open_params* params, krait_device** out, krait_error* err) {
    const std::lock_guard lock(mutex);
    faults = {};
    n_allocations = n_runs = n_writes = n_copies = 0;
    is_lost = false;
    try {
        constexpr plugin::OptionSpec kKnown[] = {{"declines", "an op"}, {"fail_alloc", "n"}, {"fail_run", "n"},
                                                 {"fail_write", "n"},   {"fail_copy", "n"},  {"lose", "n"},
                                                 {"meet", "n"}};
        const plugin::Options parsed(params && params->options ? params->options : "", kKnown);
        faults.declines = parsed.text("declines").value_or("");
        faults.fail_alloc = parsed.integer("fail_alloc", 1, INT64_MAX).value_or(0);
        faults.fail_run = parsed.integer("fail_run", 1, INT64_MAX).value_or(0);
        faults.fail_write = parsed.integer("fail_write", 1, INT64_MAX).value_or(0);
        faults.fail_copy = parsed.integer("fail_copy", 1, INT64_MAX).value_or(0);
        faults.lose = parsed.integer("lose", 1, INT64_MAX).value_or(0);
        faults.meet = parsed.integer("meet", 1, INT64_MAX).value_or(0);
    } catch (const std::exception& e) {
        return refuse(err, KRAIT_STATUS_INVALID_ARGUMENT, e.what());
    }
    const krait_status status = plain.device_open(index, nullptr, out, err);
    n_open += status == KRAIT_STATUS_OK;
    return status;
}

void close(krait_device* device) {
    if (--n_open == 0 && n_live != 0)
        plugin::log(KRAIT_LOG_ERROR, "fault: " + std::to_string(n_live.load()) + " handles outlive their devices");
    plain.device_close(device);
}

krait_status supports(krait_device* device, const krait_graph* graph, uint32_t node, krait_error* why) {
    if (graph && node < graph->n_nodes && !faults.declines.empty() && find_op(graph->nodes[node].op) &&
        faults.declines == find_op(graph->nodes[node].op)->name)
        return refuse(why, KRAIT_STATUS_UNSUPPORTED, "no " + faults.declines + ", as it was asked to");
    return plain.supports(device, graph, node, why);
}

krait_status run(krait_queue* queue, krait_program* program, const int64_t* sizes, uint32_t n_sizes, krait_error* err) {
    const int64_t n = ++n_runs;
    if (faults.lose > 0 && n >= faults.lose) is_lost = true;
    if (is_lost) return lost(err);
    if (n == faults.fail_run)
        return refuse(err, KRAIT_STATUS_INTERNAL, "run " + std::to_string(n) + " fails, as it was asked to");
    if (n == faults.meet) {
        for (int i = 0; n_runs == n && i < 60000; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
        if (n_runs == n) return refuse(err, KRAIT_STATUS_INTERNAL, "run " + std::to_string(n) + " met no other");
    }
    return plain.queue_run(queue, program, sizes, n_sizes, err);
}

uint32_t score(std::string&) { return 1; }
uint32_t device_count() { return 1; }
void device_info(uint32_t, krait_device_info& info) {
    info.kind = KRAIT_DEVICE_EMULATED;
    plugin::set_text(info.name, "the reference, with faults");
    info.memory_total = plugin::host::memory_total();
    info.memory_free = plugin::host::memory_free();
    info.alignment = plugin::host::kAlignment;
}
std::unique_ptr<plugin::Device> device_open(uint32_t, const plugin::OpenParams&) { return std::make_unique<Device>(); }

constexpr plugin::PluginInfo kInfo{"fault", "", KRAIT_PLUGIN_VERSION, score, device_count, device_info, device_open};

krait_backend make_table() {
    plain = plugin::detail::make_table<kInfo>();
    krait_backend table = plain;
    table.device_open = open;
    table.device_close = close;
    table.supports = supports;
    table.queue_run = run;
    table.buffer_create = [](krait_device* device, uint32_t kind, uint64_t size, krait_buffer** out, krait_error* err) {
        return allocate(err, [&] { return plain.buffer_create(device, kind, size, out, err); });
    };
    table.constant_upload = [](krait_device* device, const krait_tensor_desc* desc, const krait_use* uses, uint32_t n_uses,
                               const void* bytes, uint64_t size, uint32_t flags, krait_buffer** out, krait_error* err) {
        return allocate(err, [&] { return plain.constant_upload(device, desc, uses, n_uses, bytes, size, flags, out, err); });
    };
    table.memory_create = [](krait_device* device, const krait_memory_desc* desc, krait_buffer** out, krait_error* err) {
        return allocate(err, [&] { return plain.memory_create(device, desc, out, err); });
    };
    table.program_create = [](krait_device* device, const krait_graph* graph, krait_program** out, krait_error* err) {
        return allocate(err, [&] { return plain.program_create(device, graph, out, err); });
    };
    table.queue_create = [](krait_device* device, krait_queue** out, krait_error* err) {
        return allocate(err, [&] { return plain.queue_create(device, out, err); });
    };
    table.buffer_destroy = [](krait_buffer* buffer) {
        n_live -= buffer != nullptr;
        plain.buffer_destroy(buffer);
    };
    table.program_destroy = [](krait_program* program) {
        n_live -= program != nullptr;
        plain.program_destroy(program);
    };
    table.queue_destroy = [](krait_queue* queue) {
        n_live -= queue != nullptr;
        plain.queue_destroy(queue);
    };
    table.queue_write = [](krait_queue* queue, krait_buffer* dst, uint64_t offset, const void* src, uint64_t size,
                           krait_error* err) {
        if (const int64_t n = ++n_writes; n == faults.fail_write)
            return refuse(err, KRAIT_STATUS_INTERNAL, "write " + std::to_string(n) + " fails, as it was asked to");
        return Guarded<&krait_backend::queue_write>::call(queue, dst, offset, src, size, err);
    };
    table.queue_read = Guarded<&krait_backend::queue_read>::call;
    table.queue_copy = Guarded<&krait_backend::queue_copy>::call;
    table.queue_memory_export = Guarded<&krait_backend::queue_memory_export>::call;
    table.queue_memory_import = Guarded<&krait_backend::queue_memory_import>::call;
    table.queue_memory_copy = [](krait_queue* queue, krait_buffer* memory, int64_t from, int64_t to, krait_error* err) {
        if (const int64_t n = ++n_copies; n == faults.fail_copy)
            return refuse(err, KRAIT_STATUS_INTERNAL, "copy " + std::to_string(n) + " fails, as it was asked to");
        return Guarded<&krait_backend::queue_memory_copy>::call(queue, memory, from, to, err);
    };
    table.queue_sync = Guarded<&krait_backend::queue_sync>::call;
    return table;
}

}  // namespace
}  // namespace krait::fault

extern "C" KRAIT_PLUGIN_EXPORT const krait_backend* krait_plugin_query(uint32_t host_abi_version, const krait_host* host) {
    static const krait_backend table = krait::fault::make_table();
    return krait::plugin::detail::accept_host(host_abi_version, host) ? &table : nullptr;
}
