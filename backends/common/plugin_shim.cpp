// SPDX-License-Identifier: Apache-2.0
//
// The C functions of the ABI over the classes of plugin_shim.hpp: check, call, catch.
#include "backends/common/plugin_shim.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <atomic>
#include <cstring>
#include <new>

#include "backends/common/graph_check.hpp"
#include "core/ops/op_hash.hpp"

namespace krait::plugin {
namespace {

std::atomic<const krait_host*> g_host{nullptr};  // the same for every plugin of a process; outlives them

// Cuts at a whole UTF-8 character.
size_t fitting_bytes(std::string_view text, size_t capacity) noexcept {
    if (text.size() < capacity) return text.size();
    size_t n = capacity == 0 ? 0 : capacity - 1;
    while (n > 0 && (static_cast<unsigned char>(text[n]) & 0xc0u) == 0x80u) --n;
    return n;
}

// Allocates nothing, so that it works when memory has run out.
void fill_error(krait_error* err, krait_status status, std::string_view message) noexcept {
    constexpr size_t kHeader = offsetof(krait_error, message);
    if (!err || err->struct_size <= kHeader) return;
    err->code = status;
    set_text(std::span<char>(err->message, std::min(sizeof err->message, err->struct_size - kHeader)), message);
}

// Runs body; what it throws becomes the status. size: what is being allocated, for the message; 0 = nothing in particular.
template <class Body>
krait_status guarded(krait_error* err, Body&& body, uint64_t size = 0) noexcept {
    const auto failed = [err](krait_status status, std::string_view message) {
        fill_error(err, status, message);
        return status;
    };
    try {
        body();
        return KRAIT_STATUS_OK;
    } catch (const PluginError& e) {
        return failed(static_cast<krait_status>(e.error().code), e.error().message);
    } catch (const std::bad_alloc&) {
        char text[96] = "host memory ran out";
        if (size > 0) *fmt::format_to_n(text, sizeof text - 1, "host memory ran out; {} bytes were asked for", size).out = '\0';
        return failed(KRAIT_STATUS_OUT_OF_MEMORY, text);
    } catch (const std::exception& e) {
        return failed(KRAIT_STATUS_INTERNAL, e.what());
    } catch (...) {
        return failed(KRAIT_STATUS_INTERNAL, "the plugin threw something that is no std::exception");
    }
}

// Handles are pointers to the objects; NULL is the caller's mistake.
template <class Object, class Handle>
Object& object(Handle* handle, const char* what) {
    if (!handle) throw_error(ErrorCode::invalid_argument, "the {} is NULL", what);
    return *reinterpret_cast<Object*>(handle);
}

template <class Handle, class Object>
void hand_out(Handle** out, std::unique_ptr<Object> made) {
    *out = reinterpret_cast<Handle*>(made.release());
}

template <class T>
void need(T* pointer, const char* what) {
    if (!pointer) throw_error(ErrorCode::invalid_argument, "'{}' is NULL", what);
}

template <class T>
void need_out(T** out) {
    need(out, "out");
    *out = nullptr;
}

void check_same_device(const Device& a, const Device& b, const char* what) {
    if (&a != &b) throw_error(ErrorCode::invalid_argument, "the {} belongs to another device than the queue", what);
}

// The sizes of a program's dynamic dimensions in a run; their largest ones where the run gives none.
DimSizes sizes_of_run(const Program& program, const int64_t* sizes, uint32_t n_sizes) {
    const std::span<const int64_t> largest = program.dim_max().get();
    if (n_sizes == 0) return program.dim_max();
    need(sizes, "sizes");
    if (n_sizes != largest.size())
        throw_error(ErrorCode::invalid_argument, "{} sizes of dynamic dimensions; the program has {}", n_sizes, largest.size());
    for (uint32_t d = 0; d < n_sizes; ++d)
        if (sizes[d] < 0 || sizes[d] > largest[d])
            throw_error(ErrorCode::invalid_argument, "dynamic dimension {} is {}; 0 to {} are possible", d, sizes[d],
                        largest[d]);
    return DimSizes({sizes, n_sizes});
}

// The buffer, checked to hold values and to contain the range.
Buffer& values_in(const Queue& queue, krait_buffer* handle, uint64_t offset, uint64_t size, const char* what) {
    Buffer& buffer = object<Buffer>(handle, what);
    check_same_device(queue.device(), buffer.device(), what);
    const BufferSpec& spec = buffer.spec();
    if (spec.content != BufferSpec::Content::values)
        throw_error(ErrorCode::invalid_argument, "the {} is a {}, whose bytes have no meaning outside the plugin", what,
                    spec.content == BufferSpec::Content::constant ? "constant" : "pool of state");
    if (offset > spec.range || size > spec.range - offset)
        throw_error(ErrorCode::invalid_argument, "{} bytes from offset {} are not inside the {}, which has {} bytes", size,
                    offset, what, spec.range);
    return buffer;
}

Buffer& state_in(const Queue& queue, krait_buffer* handle) {
    Buffer& buffer = object<Buffer>(handle, "state");
    check_same_device(queue.device(), buffer.device(), "state");
    if (buffer.spec().content != BufferSpec::Content::state)
        throw_error(ErrorCode::invalid_argument, "the buffer is no pool of state (state_create makes those)");
    return buffer;
}

void check_slot(const Buffer& state, int64_t slot, const char* what) {
    const int64_t n_slots = state.spec().state.n_slots;
    if (slot < 0 || slot >= n_slots)
        throw_error(ErrorCode::invalid_argument, "{} {}: the pool has slots 0 to {}", what, slot, n_slots - 1);
}

Buffer& slot_in(const Queue& queue, krait_buffer* handle, int64_t slot, uint64_t size) {
    Buffer& buffer = state_in(queue, handle);
    check_slot(buffer, slot, "slot");
    const uint64_t expected = state_slot_bytes(buffer.spec().state);
    if (size != expected)
        throw_error(ErrorCode::invalid_argument, "a slot of this pool has {} bytes in the canonical layout, not {}", expected,
                    size);
    return buffer;
}

// ---- devices --------------------------------------------------------------------------------------------------------
void device_close(krait_device* device) noexcept { delete reinterpret_cast<Device*>(device); }

krait_status buffer_create(krait_device* device, uint32_t kind, uint64_t size, krait_buffer** out, krait_error* err) noexcept {
    return guarded(
        err,
        [&] {
            need_out(out);
            if (kind != KRAIT_BUFFER_DEVICE && kind != KRAIT_BUFFER_PINNED)
                throw_error(ErrorCode::invalid_argument, "buffer kind {}: 0 (device) and 1 (pinned) exist", kind);
            hand_out(out, object<Device>(device, "device").create_buffer(static_cast<krait_buffer_kind>(kind), size));
        },
        size);
}

krait_status buffer_import_host(krait_device* device, void* bytes, uint64_t size, krait_buffer** out,
                                krait_error* err) noexcept {
    return guarded(err, [&] {
        need_out(out);
        if (size > 0) need(bytes, "bytes");
        hand_out(out, object<Device>(device, "device").import_host(bytes, size));
    });
}

void buffer_destroy(krait_buffer* buffer) noexcept { delete buffer_of(buffer); }

uint64_t buffer_size(const krait_buffer* buffer) noexcept { return buffer ? buffer_of(buffer)->allocated() : 0; }

krait_status buffer_map(krait_buffer* buffer, void** out, krait_error* err) noexcept {
    return guarded(err, [&] {
        need_out(out);
        *out = object<Buffer>(buffer, "buffer").map();
    });
}

krait_status constant_upload(krait_device* device, const krait_tensor_desc* desc, const krait_use* uses, uint32_t n_uses,
                             const void* bytes, uint64_t size, uint32_t flags, krait_buffer** out, krait_error* err) noexcept {
    return guarded(
        err,
        [&] {
            need_out(out);
            need(desc, "desc");
            if (n_uses > 0) need(uses, "uses");
            if (size > 0) need(bytes, "bytes");
            Device& to = object<Device>(device, "device");
            value_or_throw(check_desc(*desc));
            if (!is_contiguous(*desc))
                throw_error(ErrorCode::invalid_argument, "a constant must be contiguous; {} is not", to_string(*desc));
            const auto expected = static_cast<uint64_t>(span_bytes(*desc));
            if (size != expected)
                throw_error(ErrorCode::invalid_argument, "{} has {} bytes, not {}", to_string(*desc), expected, size);
            for (uint32_t i = 0; i < n_uses; ++i) check_use(uses[i]);
            hand_out(out, to.upload_constant({*desc,
                                              {uses, n_uses},
                                              {static_cast<const std::byte*>(bytes), size},
                                              (flags & KRAIT_UPLOAD_BYTES_PERSIST) != 0}));
        },
        size);
}

krait_status state_create(krait_device* device, const krait_state_desc* desc, krait_buffer** out, krait_error* err) noexcept {
    return guarded(err, [&] {
        need_out(out);
        need(desc, "desc");
        Device& on = object<Device>(device, "device");
        check_state_desc(*desc);
        krait_state_desc known{};  // the caller's may be shorter than ours, or longer
        std::memcpy(&known, desc, std::min<size_t>(sizeof known, desc->struct_size));
        hand_out(out, on.create_state(known));
    });
}

// ---- programs -------------------------------------------------------------------------------------------------------
krait_status supports(krait_device* device, const krait_graph* graph, uint32_t node, krait_error* why) noexcept {
    return guarded(why, [&] {
        need(graph, "graph");
        Device& on = object<Device>(device, "device");
        check_node(*graph, node);
        if (const Decline reason = on.supports(*graph, graph->nodes[node])) throw PluginError(ErrorCode::unsupported, *reason);
    });
}

krait_status program_create(krait_device* device, const krait_graph* graph, krait_program** out, krait_error* err) noexcept {
    return guarded(err, [&] {
        need_out(out);
        need(graph, "graph");
        Device& on = object<Device>(device, "device");
        check_graph(on, *graph);
        std::unique_ptr<Program> program = on.create_program(*graph);
        program->set_dim_max(DimSizes({graph->dim_max, graph->n_dims}));
        hand_out(out, std::move(program));
    });
}

void program_destroy(krait_program* program) noexcept { delete reinterpret_cast<Program*>(program); }

// ---- queues ---------------------------------------------------------------------------------------------------------
krait_status queue_create(krait_device* device, krait_queue** out, krait_error* err) noexcept {
    return guarded(err, [&] {
        need_out(out);
        hand_out(out, object<Device>(device, "device").create_queue());
    });
}

void queue_destroy(krait_queue* queue) noexcept { delete reinterpret_cast<Queue*>(queue); }

krait_status queue_write(krait_queue* queue, krait_buffer* dst, uint64_t dst_offset, const void* src, uint64_t size,
                         krait_error* err) noexcept {
    return guarded(err, [&] {
        Queue& on = object<Queue>(queue, "queue");
        Buffer& to = values_in(on, dst, dst_offset, size, "destination");
        if (size == 0) return;
        need(src, "src");
        on.write(to, dst_offset, src, size);
    });
}

krait_status queue_read(krait_queue* queue, void* dst, krait_buffer* src, uint64_t src_offset, uint64_t size,
                        krait_error* err) noexcept {
    return guarded(err, [&] {
        Queue& on = object<Queue>(queue, "queue");
        Buffer& from = values_in(on, src, src_offset, size, "source");
        if (size == 0) return;
        need(dst, "dst");
        on.read(dst, from, src_offset, size);
    });
}

krait_status queue_copy(krait_queue* queue, krait_buffer* dst, uint64_t dst_offset, krait_buffer* src, uint64_t src_offset,
                        uint64_t size, krait_error* err) noexcept {
    return guarded(err, [&] {
        Queue& on = object<Queue>(queue, "queue");
        Buffer& to = values_in(on, dst, dst_offset, size, "destination");
        Buffer& from = values_in(on, src, src_offset, size, "source");
        // Both ranges lie inside the buffer, so the sums do not overflow.
        if (&to == &from && dst_offset < src_offset + size && src_offset < dst_offset + size && size > 0)
            throw_error(ErrorCode::invalid_argument, "{} bytes from offset {} to offset {} of one buffer: the ranges overlap",
                        size, src_offset, dst_offset);
        if (size > 0) on.copy(to, dst_offset, from, src_offset, size);
    });
}

krait_status queue_run(krait_queue* queue, krait_program* program, const int64_t* sizes, uint32_t n_sizes,
                       krait_error* err) noexcept {
    return guarded(err, [&] {
        Queue& on = object<Queue>(queue, "queue");
        Program& what = object<Program>(program, "program");
        check_same_device(on.device(), what.device(), "program");
        on.run(what, sizes_of_run(what, sizes, n_sizes));
    });
}

krait_status queue_state_export(krait_queue* queue, krait_buffer* state, int64_t slot, void* dst, uint64_t size,
                                krait_error* err) noexcept {
    return guarded(err, [&] {
        Queue& on = object<Queue>(queue, "queue");
        Buffer& pool = slot_in(on, state, slot, size);
        if (size == 0) return;
        need(dst, "dst");
        on.export_state(pool, slot, dst, size);
    });
}

krait_status queue_state_import(krait_queue* queue, krait_buffer* state, int64_t slot, const void* src, uint64_t size,
                                krait_error* err) noexcept {
    return guarded(err, [&] {
        Queue& on = object<Queue>(queue, "queue");
        Buffer& pool = slot_in(on, state, slot, size);
        if (size == 0) return;
        need(src, "src");
        on.import_state(pool, slot, src, size);
    });
}

krait_status queue_state_copy(krait_queue* queue, krait_buffer* state, int64_t src_slot, int64_t dst_slot,
                              krait_error* err) noexcept {
    return guarded(err, [&] {
        Queue& on = object<Queue>(queue, "queue");
        Buffer& pool = state_in(on, state);
        check_slot(pool, src_slot, "src_slot");
        check_slot(pool, dst_slot, "dst_slot");
        if (src_slot != dst_slot) on.copy_state(pool, src_slot, dst_slot);
    });
}

krait_status queue_sync(krait_queue* queue, krait_error* err) noexcept {
    return guarded(err, [&] { object<Queue>(queue, "queue").sync(); });
}

// ---- events ---------------------------------------------------------------------------------------------------------
krait_status event_create(krait_device* device, krait_event** out, krait_error* err) noexcept {
    return guarded(err, [&] {
        need_out(out);
        hand_out(out, object<Device>(device, "device").create_event());
    });
}

void event_destroy(krait_event* event) noexcept { delete reinterpret_cast<Event*>(event); }

krait_status queue_signal(krait_queue* queue, krait_event* event, uint64_t value, krait_error* err) noexcept {
    return guarded(err, [&] {
        Queue& on = object<Queue>(queue, "queue");
        Event& what = object<Event>(event, "event");
        check_same_device(on.device(), what.device(), "event");
        if (const uint64_t now = what.value(); value <= now)
            throw_error(ErrorCode::invalid_argument, "the event stands at {}; a signal must be larger, {} is not", now, value);
        on.signal(what, value);
    });
}

krait_status queue_wait(krait_queue* queue, krait_event* event, uint64_t value, krait_error* err) noexcept {
    return guarded(err, [&] {
        Queue& on = object<Queue>(queue, "queue");
        Event& what = object<Event>(event, "event");
        check_same_device(on.device(), what.device(), "event");
        on.wait(what, value);
    });
}

uint64_t event_value(krait_event* event) noexcept { return event ? reinterpret_cast<Event*>(event)->value() : 0; }

krait_status event_wait(krait_event* event, uint64_t value, uint64_t timeout_ns, krait_error* err) noexcept {
    return guarded(err, [&] {
        Event& what = object<Event>(event, "event");
        if (!what.wait(value, timeout_ns))
            throw_error(ErrorCode::unavailable, "the event stands at {} and did not reach {} within {} ns", what.value(), value,
                        timeout_ns);
    });
}

}  // namespace

// ---- what plugins call ----------------------------------------------------------------------------------------------
void set_text(std::span<char> field, std::string_view text) noexcept {
    if (field.empty()) return;
    const size_t n = fitting_bytes(text, field.size());
    std::memcpy(field.data(), text.data(), n);
    field[n] = '\0';
}

void throw_out_of_memory(uint64_t size, uint64_t free_bytes, std::string_view what) {
    if (free_bytes == 0) throw_error(ErrorCode::out_of_memory, "{} bytes asked for {}", size, what);
    throw_error(ErrorCode::out_of_memory, "{} bytes asked for {}; {} bytes are free", size, what, free_bytes);
}

void log(krait_log_level level, const std::string& message) noexcept {
    const krait_host* host = g_host.load(std::memory_order_acquire);
    if (host && host->log) host->log(host->context, level, message.c_str());
}

std::optional<krait_host_executor> host_executor() noexcept {
    const krait_host* host = g_host.load(std::memory_order_acquire);
    if (!host || !host->executor) return std::nullopt;
    const krait_host_executor* executor = host->executor(host->context);
    return executor ? std::optional(*executor) : std::nullopt;
}

std::string host_cache_directory() {
    const krait_host* host = g_host.load(std::memory_order_acquire);
    if (!host || !host->cache_directory) return {};
    const char* folder = host->cache_directory(host->context);
    return folder ? folder : "";
}

void* Buffer::map() {
    throw_error(ErrorCode::unsupported,
                "the bytes of this buffer are not for the host: constants and state have a layout of the plugin's own, other "
                "memory may not be visible");
}

std::unique_ptr<Buffer> Device::import_host(void*, uint64_t) {
    throw_error(ErrorCode::unsupported, "this device cannot use the host's memory in place");
}

// ---- the table ------------------------------------------------------------------------------------------------------
namespace detail {
krait_backend table_of_handles() noexcept {
    krait_backend table{};
    table.struct_size = sizeof table;
    table.abi_version = KRAIT_ABI_VERSION;
    table.formats_hash = formats_hash();
    table.ops = kOpVersions.data();
    table.n_ops = static_cast<uint32_t>(kOpVersions.size());
    table.device_close = device_close;
    table.buffer_create = buffer_create;
    table.buffer_import_host = buffer_import_host;
    table.buffer_destroy = buffer_destroy;
    table.buffer_size = buffer_size;
    table.buffer_map = buffer_map;
    table.constant_upload = constant_upload;
    table.state_create = state_create;
    table.supports = supports;
    table.program_create = program_create;
    table.program_destroy = program_destroy;
    table.queue_create = queue_create;
    table.queue_destroy = queue_destroy;
    table.queue_write = queue_write;
    table.queue_read = queue_read;
    table.queue_copy = queue_copy;
    table.queue_run = queue_run;
    table.queue_state_export = queue_state_export;
    table.queue_state_import = queue_state_import;
    table.queue_state_copy = queue_state_copy;
    table.queue_sync = queue_sync;
    table.event_create = event_create;
    table.event_destroy = event_destroy;
    table.queue_signal = queue_signal;
    table.queue_wait = queue_wait;
    table.event_value = event_value;
    table.event_wait = event_wait;
    return table;
}

bool accept_host(uint32_t host_abi_version, const krait_host* host) noexcept {
    if (host_abi_version >> 16 != KRAIT_ABI_MAJOR || (host && host->struct_size < KRAIT_HOST_SIZE_2_0)) return false;
    if (host) g_host.store(host, std::memory_order_release);
    return true;
}

uint32_t score(const PluginInfo& info, krait_error* why) noexcept {
    uint32_t points = 0;
    std::string reason;
    if (guarded(why, [&] { points = info.score(reason); }) != KRAIT_STATUS_OK) return 0;
    if (points == 0) fill_error(why, KRAIT_STATUS_UNAVAILABLE, reason);
    return points;
}

uint32_t device_count(const PluginInfo& info) noexcept {
    uint32_t count = 0;
    guarded(nullptr, [&] { count = info.device_count(); });
    return count;
}

static void check_device_index(const PluginInfo& info, uint32_t index) {
    if (const uint32_t count = info.device_count(); index >= count)
        throw_error(ErrorCode::not_found, "no device {} of '{}': it has {}", index, info.family, count);
}

krait_status device_info(const PluginInfo& info, uint32_t index, krait_device_info* out, krait_error* err) noexcept {
    return guarded(err, [&] {
        need(out, "info");
        if (out->struct_size < KRAIT_DEVICE_INFO_SIZE_2_0)
            throw_error(ErrorCode::invalid_argument, "info has struct_size {}; it must be {} or more", out->struct_size,
                        KRAIT_DEVICE_INFO_SIZE_2_0);
        check_device_index(info, index);
        krait_device_info filled{};
        info.device_info(index, filled);
        filled.struct_size = out->struct_size;
        std::memcpy(out, &filled, std::min<size_t>(sizeof filled, out->struct_size));
    });
}

krait_status device_open(const PluginInfo& info, uint32_t index, const char* options, krait_device** out,
                         krait_error* err) noexcept {
    return guarded(err, [&] {
        need_out(out);
        check_device_index(info, index);
        hand_out(out, info.device_open(index, options ? options : ""));
    });
}

}  // namespace detail
}  // namespace krait::plugin
