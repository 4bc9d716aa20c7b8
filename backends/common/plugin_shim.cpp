// SPDX-License-Identifier: Apache-2.0
//
// The C functions of the ABI over the classes of plugin_shim.hpp: check, call, catch.
#include "backends/common/plugin_shim.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <cstring>
#include <new>

#include "backends/common/graph_check.hpp"
#include "core/ops/op_hash.hpp"

namespace krait::plugin {
namespace {

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
                    spec.content == BufferSpec::Content::constant ? "constant" : "memory");
    if (offset > spec.range || size > spec.range - offset)
        throw_error(ErrorCode::invalid_argument, "{} bytes from offset {} are not inside the {}, which has {} bytes", size,
                    offset, what, spec.range);
    return buffer;
}

Buffer& memory_in(const Queue& queue, krait_buffer* handle) {
    Buffer& buffer = object<Buffer>(handle, "memory");
    check_same_device(queue.device(), buffer.device(), "memory");
    if (buffer.spec().content != BufferSpec::Content::memory)
        throw_error(ErrorCode::invalid_argument, "the buffer is no memory (memory_create makes those)");
    return buffer;
}

void check_unit(const Buffer& memory, int64_t unit, const char* what) {
    const int64_t n_units = memory.spec().memory.n_units;
    if (unit < 0 || unit >= n_units)
        throw_error(ErrorCode::invalid_argument, "{} {}: the memory has units 0 to {}", what, unit, n_units - 1);
}

Buffer& unit_in(const Queue& queue, krait_buffer* handle, int64_t unit, uint64_t size) {
    Buffer& buffer = memory_in(queue, handle);
    check_unit(buffer, unit, "unit");
    const uint64_t expected = memory_unit_bytes(buffer.spec().memory);
    if (size != expected)
        throw_error(ErrorCode::invalid_argument, "a unit of this memory has {} bytes in the canonical layout, not {}", expected,
                    size);
    return buffer;
}

// ---- devices --------------------------------------------------------------------------------------------------------
void device_close(krait_device* device) noexcept { delete reinterpret_cast<Device*>(device); }

krait_status device_capabilities(krait_device* device, krait_device_capabilities* out, krait_error* err) noexcept {
    return guarded(err, [&] {
        need(out, "capabilities");
        check_struct_size("capabilities", out->struct_size, KRAIT_DEVICE_CAPABILITIES_SIZE_2_0);
        const Capabilities known = object<Device>(device, "device").capabilities();
        const krait_device_capabilities filled{out->struct_size, known.flags, static_cast<uint32_t>(known.quantized_rounding),
                                               static_cast<uint32_t>(known.half_rounding)};
        std::memcpy(out, &filled, std::min<size_t>(sizeof filled, out->struct_size));
    });
}

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

krait_status memory_create(krait_device* device, const krait_memory_desc* desc, krait_buffer** out, krait_error* err) noexcept {
    return guarded(err, [&] {
        need_out(out);
        need(desc, "desc");
        Device& on = object<Device>(device, "device");
        check_memory_desc(*desc);
        krait_memory_desc known{};  // the caller's may be shorter than ours, or longer
        std::memcpy(&known, desc, std::min<size_t>(sizeof known, desc->struct_size));
        hand_out(out, on.create_memory(known));
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

krait_status queue_memory_export(krait_queue* queue, krait_buffer* memory, int64_t unit, void* dst, uint64_t size,
                                 krait_error* err) noexcept {
    return guarded(err, [&] {
        Queue& on = object<Queue>(queue, "queue");
        Buffer& from = unit_in(on, memory, unit, size);
        if (size == 0) return;
        need(dst, "dst");
        on.export_memory(from, unit, dst, size);
    });
}

krait_status queue_memory_import(krait_queue* queue, krait_buffer* memory, int64_t unit, const void* src, uint64_t size,
                                 krait_error* err) noexcept {
    return guarded(err, [&] {
        Queue& on = object<Queue>(queue, "queue");
        Buffer& to = unit_in(on, memory, unit, size);
        if (size == 0) return;
        need(src, "src");
        on.import_memory(to, unit, src, size);
    });
}

krait_status queue_memory_copy(krait_queue* queue, krait_buffer* memory, int64_t src_unit, int64_t dst_unit,
                               krait_error* err) noexcept {
    return guarded(err, [&] {
        Queue& on = object<Queue>(queue, "queue");
        Buffer& within = memory_in(on, memory);
        check_unit(within, src_unit, "src_unit");
        check_unit(within, dst_unit, "dst_unit");
        if (src_unit != dst_unit) on.copy_memory(within, src_unit, dst_unit);
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
    table.device_capabilities = device_capabilities;
    table.buffer_create = buffer_create;
    table.buffer_import_host = buffer_import_host;
    table.buffer_destroy = buffer_destroy;
    table.buffer_size = buffer_size;
    table.buffer_map = buffer_map;
    table.constant_upload = constant_upload;
    table.memory_create = memory_create;
    table.supports = supports;
    table.program_create = program_create;
    table.program_destroy = program_destroy;
    table.queue_create = queue_create;
    table.queue_destroy = queue_destroy;
    table.queue_write = queue_write;
    table.queue_read = queue_read;
    table.queue_copy = queue_copy;
    table.queue_run = queue_run;
    table.queue_memory_export = queue_memory_export;
    table.queue_memory_import = queue_memory_import;
    table.queue_memory_copy = queue_memory_copy;
    table.queue_sync = queue_sync;
    table.event_create = event_create;
    table.event_destroy = event_destroy;
    table.queue_signal = queue_signal;
    table.queue_wait = queue_wait;
    table.event_value = event_value;
    table.event_wait = event_wait;
    return table;
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
        check_struct_size("info", out->struct_size, KRAIT_DEVICE_INFO_SIZE_2_0);
        check_device_index(info, index);
        krait_device_info filled{};
        info.device_info(index, filled);
        filled.struct_size = out->struct_size;
        std::memcpy(out, &filled, std::min<size_t>(sizeof filled, out->struct_size));
    });
}

krait_status device_open(const PluginInfo& info, uint32_t index, const krait_open_params* params, krait_device** out,
                         krait_error* err) noexcept {
    return guarded(err, [&] {
        need_out(out);
        if (params) check_struct_size("params", params->struct_size, KRAIT_OPEN_PARAMS_SIZE_2_0);
        check_device_index(info, index);
        OpenParams given;
        if (params && params->options) given.options = params->options;
        if (params && params->executor) given.executor = *params->executor;
        hand_out(out, info.device_open(index, given));
    });
}

}  // namespace detail
}  // namespace krait::plugin
