// SPDX-License-Identifier: Apache-2.0
#include "core/runtime/device.hpp"

#include <algorithm>
#include <utility>

#include "core/ops/op_list.hpp"

namespace krait {
namespace {

constexpr uint32_t kMaxExecutorThreads = 1024;  // backend_abi.h says so too

// Calls the plugin; an error gets the device's name in front.
template <class Function>
Result<void> call(const Device& device, Function&& function) {
    auto result = call_plugin(std::forward<Function>(function));
    if (result) return {};
    return tl::unexpected<Error>(std::move(result).error().within(device.name()));
}

}  // namespace

uint64_t Buffer::size() const { return device().api().buffer_size(get()); }

Result<void*> Buffer::map() const {
    void* address = nullptr;
    KRAIT_CHECK(call(device(), [&](krait_error* err) { return device().api().buffer_map(get(), &address, err); }));
    return address;
}

uint64_t Event::value() const { return device().api().event_value(get()); }

Result<void> Event::wait(uint64_t value, uint64_t timeout_ns) const {
    return call(device(), [&](krait_error* err) { return device().api().event_wait(get(), value, timeout_ns, err); });
}

Result<void> Queue::write(const Buffer& dst, uint64_t offset, std::span<const std::byte> src) {
    return call(device(), [&](krait_error* err) {
        return device().api().queue_write(get(), dst.get(), offset, src.data(), src.size(), err);
    });
}

Result<void> Queue::read(std::span<std::byte> dst, const Buffer& src, uint64_t offset) {
    return call(device(), [&](krait_error* err) {
        return device().api().queue_read(get(), dst.data(), src.get(), offset, dst.size(), err);
    });
}

Result<void> Queue::copy(const Buffer& dst, uint64_t dst_offset, const Buffer& src, uint64_t src_offset, uint64_t size) {
    return call(device(), [&](krait_error* err) {
        return device().api().queue_copy(get(), dst.get(), dst_offset, src.get(), src_offset, size, err);
    });
}

Result<void> Queue::run(const Program& program, std::span<const int64_t> sizes) {
    return call(device(), [&](krait_error* err) {
        return device().api().queue_run(get(), program.get(), sizes.data(), static_cast<uint32_t>(sizes.size()), err);
    });
}

Result<void> Queue::export_memory(const Buffer& memory, int64_t unit, std::span<std::byte> dst) {
    return call(device(), [&](krait_error* err) {
        return device().api().queue_memory_export(get(), memory.get(), unit, dst.data(), dst.size(), err);
    });
}

Result<void> Queue::import_memory(const Buffer& memory, int64_t unit, std::span<const std::byte> src) {
    return call(device(), [&](krait_error* err) {
        return device().api().queue_memory_import(get(), memory.get(), unit, src.data(), src.size(), err);
    });
}

Result<void> Queue::copy_memory(const Buffer& memory, int64_t src_unit, int64_t dst_unit) {
    return call(device(), [&](krait_error* err) {
        return device().api().queue_memory_copy(get(), memory.get(), src_unit, dst_unit, err);
    });
}

Result<void> Queue::signal(const Event& event, uint64_t value) {
    return call(device(), [&](krait_error* err) { return device().api().queue_signal(get(), event.get(), value, err); });
}

Result<void> Queue::wait(const Event& event, uint64_t value) {
    return call(device(), [&](krait_error* err) { return device().api().queue_wait(get(), event.get(), value, err); });
}

Result<void> Queue::sync() {
    return call(device(), [&](krait_error* err) { return device().api().queue_sync(get(), err); });
}

Result<std::shared_ptr<Device>> Device::open(std::string_view spec, const Executor& executor) {
    KRAIT_TRY(const DeviceSpec parsed, parse_device_spec(spec));
    return open(parsed, executor);
}

Result<std::shared_ptr<Device>> Device::open(const DeviceSpec& spec, const Executor& executor) {
    if (executor && (!executor->parallel || executor->n_threads < 1 || executor->n_threads > kMaxExecutorThreads))
        return fail(ErrorCode::invalid_argument, "the executor has {} threads{}; it needs 1 to {} and the function 'parallel'",
                    executor->n_threads, executor->parallel ? "" : " and no function 'parallel'", kMaxExecutorThreads);
    if (spec.is_auto()) return open_auto(executor);
    KRAIT_TRY(std::shared_ptr<Plugin> plugin, PluginRegistry::instance().find(spec.family, spec.variant));
    const krait_backend& api = plugin->api();
    const uint32_t count = api.device_count();
    if (spec.index >= count)
        return fail(ErrorCode::not_found, "there is no device {} of '{}': {}", spec.index, spec.family,
                    count == 0 ? std::string("it has none") : fmt::format("it has {}, counted from 0", count));

    krait_device_info info{};
    info.struct_size = sizeof info;
    KRAIT_CHECK(call_plugin([&](krait_error* err) { return api.device_info(spec.index, &info, err); }));
    std::string name = count == 1 && info.kind == KRAIT_DEVICE_CPU ? spec.family : fmt::format("{}{}", spec.family, spec.index);
    if (!spec.variant.empty()) name += ":" + spec.variant;

    auto device = std::shared_ptr<Device>(new Device(std::move(plugin), std::move(name)));
    device->info_ = info;
    device->options_ = spec.options;
    device->has_executor_ = executor.has_value();
    const krait_open_params params{sizeof params, spec.options.c_str(), executor ? &*executor : nullptr};
    KRAIT_CHECK(call(*device, [&](krait_error* err) { return api.device_open(spec.index, &params, &device->handle_, err); }));
    device->capabilities_.struct_size = sizeof device->capabilities_;
    KRAIT_CHECK(
        call(*device, [&](krait_error* err) { return api.device_capabilities(device->handle_, &device->capabilities_, err); }));
    return device;
}

Result<std::shared_ptr<Device>> Device::open_auto(const Executor& executor) {
    std::string refusals;
    for (const DeviceListing& listing : PluginRegistry::instance().devices(PluginRegistry::Devices::for_auto)) {
        if (!listing.error.empty() || listing.info.auto_rank == 0) continue;
        auto device = open(DeviceSpec{listing.family, listing.index, {}, {}}, executor);
        if (device) return device;
        refusals += fmt::format("\n  {}", device.error().message);
    }
    if (refusals.empty()) {
        KRAIT_TRY(auto plugin, PluginRegistry::instance().find("cpu"));  // its error says what is missing
        return fail(ErrorCode::unavailable, "no device offers itself for 'auto'; name one ('krait devices' lists them)");
    }
    return fail(ErrorCode::unavailable, "no device could be opened:{}", refusals);
}

Device::~Device() {
    if (handle_) api().device_close(handle_);
}

Result<Buffer> Device::create_buffer(krait_buffer_kind kind, uint64_t size) const {
    krait_buffer* handle = nullptr;
    KRAIT_CHECK(call(*this, [&](krait_error* err) { return api().buffer_create(get(), kind, size, &handle, err); }));
    return Buffer(shared_from_this(), handle);
}

Result<Buffer> Device::import_host(void* bytes, uint64_t size) const {
    krait_buffer* handle = nullptr;
    KRAIT_CHECK(call(*this, [&](krait_error* err) { return api().buffer_import_host(get(), bytes, size, &handle, err); }));
    return Buffer(shared_from_this(), handle);
}

Result<void> Device::check_known(uint32_t op) const {
    if (plugin_->knows(op) || op >= kOpCount) return {};
    return fail(ErrorCode::unsupported, "{}: the plugin was built before the operator {}; build it again against this Krait",
                name(), kOpNames[op]);
}

std::vector<krait_use> Device::known_uses(std::span<const krait_use> uses) const {
    std::vector<krait_use> known;
    for (const krait_use& use : uses)
        if (plugin_->knows(use.op) || use.op >= kOpCount) known.push_back(use);
    return known;
}

Result<Buffer> Device::upload_constant(const TensorDesc& desc, std::span<const krait_use> uses,
                                       std::span<const std::byte> bytes, uint32_t flags) const {
    const std::vector<krait_use> known = known_uses(uses);
    krait_buffer* handle = nullptr;
    KRAIT_CHECK(call(*this, [&](krait_error* err) {
        return api().constant_upload(get(), &desc, known.data(), static_cast<uint32_t>(known.size()), bytes.data(),
                                     bytes.size(), flags, &handle, err);
    }));
    return Buffer(shared_from_this(), handle);
}

Result<Buffer> Device::create_memory(const TensorDesc& desc, std::span<const krait_use> uses) const {
    const std::vector<krait_use> known = known_uses(uses);
    if (known.empty() && !uses.empty()) KRAIT_CHECK(check_known(uses[0].op));
    const auto is_of_pages = [](const krait_use& use) {
        const OpSpec* spec = find_op(use.op);
        return spec && use.operand < spec->inputs.size() && spec->inputs[use.operand].kind == OperandKind::pages;
    };
    const bool has_pages = std::any_of(known.begin(), known.end(), is_of_pages);
    const uint32_t n_outer = has_pages ? 2 : 1;  // units, and rows of a page; the others are extents
    krait_memory_desc memory{.struct_size = sizeof memory,
                             .layout = has_pages ? KRAIT_MEMORY_PAGES : KRAIT_MEMORY_SLOTS,
                             .dtype = desc.dtype,
                             .rank = desc.rank > n_outer ? desc.rank - n_outer : 0,
                             .n_units = desc.extent[0],
                             .rows_per_unit = has_pages ? desc.extent[1] : 1,
                             .extent = {1, 1, 1},
                             .uses = known.data(),
                             .n_uses = static_cast<uint32_t>(known.size())};
    std::copy_n(desc.extent + n_outer, memory.rank, memory.extent);
    krait_buffer* handle = nullptr;
    KRAIT_CHECK(call(*this, [&](krait_error* err) { return api().memory_create(get(), &memory, &handle, err); }));
    return Buffer(shared_from_this(), handle);
}

Result<Program> Device::create_program(const krait_graph& graph) const {
    for (uint32_t i = 0; i < graph.n_nodes; ++i) KRAIT_CHECK(check_known(graph.nodes[i].op));
    krait_program* handle = nullptr;
    KRAIT_CHECK(call(*this, [&](krait_error* err) { return api().program_create(get(), &graph, &handle, err); }));
    return Program(shared_from_this(), handle);
}

Result<Queue> Device::create_queue() const {
    krait_queue* handle = nullptr;
    KRAIT_CHECK(call(*this, [&](krait_error* err) { return api().queue_create(get(), &handle, err); }));
    return Queue(shared_from_this(), handle);
}

Result<Event> Device::create_event() const {
    krait_event* handle = nullptr;
    KRAIT_CHECK(call(*this, [&](krait_error* err) { return api().event_create(get(), &handle, err); }));
    return Event(shared_from_this(), handle);
}

std::optional<Error> Device::declines(const krait_graph& graph, uint32_t node) const {
    if (auto known = check_known(graph.nodes[node].op); !known) return std::move(known).error();
    auto taken = call(*this, [&](krait_error* err) { return api().supports(get(), &graph, node, err); });
    if (taken) return std::nullopt;
    return std::move(taken).error();
}

}  // namespace krait
