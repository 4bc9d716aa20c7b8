// SPDX-License-Identifier: Apache-2.0
//
// A device and what lives on it, as C++ objects over the ABI: each owns its handle, keeps its device alive and is
// move-only. Errors of the plugin come back as ours, with the device's name in front.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "core/runtime/plugin_registry.hpp"
#include "core/tensor/tensor_desc.hpp"

namespace krait {

class Device;

namespace detail {

// One handle of a plugin: destroyed by `Destroy`, a member of krait_backend, while its device still lives.
template <class T, void (*krait_backend::*Destroy)(T*)>
class Handle {
  public:
    Handle() = default;
    Handle(std::shared_ptr<const Device> device, T* handle) : device_(std::move(device)), handle_(handle) {}
    Handle(Handle&& other) noexcept : device_(std::move(other.device_)), handle_(std::exchange(other.handle_, nullptr)) {}
    Handle& operator=(Handle&& other) noexcept {
        std::swap(device_, other.device_);
        std::swap(handle_, other.handle_);
        return *this;
    }
    ~Handle();
    T* get() const { return handle_; }
    explicit operator bool() const { return handle_ != nullptr; }
    const Device& device() const { return *device_; }

  private:
    std::shared_ptr<const Device> device_;
    T* handle_ = nullptr;
};

}  // namespace detail

// Memory on a device: values, constants and what sequences remember alike.
class Buffer : public detail::Handle<krait_buffer, &krait_backend::buffer_destroy> {
  public:
    using Handle::Handle;
    uint64_t size() const;      // bytes that it takes on the device
    Result<void*> map() const;  // host address; unsupported where the host cannot see it
};

class Program : public detail::Handle<krait_program, &krait_backend::program_destroy> {
  public:
    using Handle::Handle;
};

class Event : public detail::Handle<krait_event, &krait_backend::event_destroy> {
  public:
    using Handle::Handle;
    uint64_t value() const;
    Result<void> wait(uint64_t value, uint64_t timeout_ns = UINT64_MAX) const;
};

// Work in order; one thread at a time. What a call promises on return: core/abi/backend_abi.h.
class Queue : public detail::Handle<krait_queue, &krait_backend::queue_destroy> {
  public:
    using Handle::Handle;
    Result<void> write(const Buffer& dst, uint64_t offset, std::span<const std::byte> src);
    Result<void> read(std::span<std::byte> dst, const Buffer& src, uint64_t offset);
    Result<void> copy(const Buffer& dst, uint64_t dst_offset, const Buffer& src, uint64_t src_offset, uint64_t size);
    // sizes: of the dynamic dimensions of its graph (krait_graph); empty = all at their largest.
    Result<void> run(const Program& program, std::span<const int64_t> sizes = {});
    // A unit of a memory in the canonical layout (krait_memory_desc).
    Result<void> export_memory(const Buffer& memory, int64_t unit, std::span<std::byte> dst);
    Result<void> import_memory(const Buffer& memory, int64_t unit, std::span<const std::byte> src);
    Result<void> copy_memory(const Buffer& memory, int64_t src_unit, int64_t dst_unit);
    Result<void> signal(const Event& event, uint64_t value);
    Result<void> wait(const Event& event, uint64_t value);
    Result<void> sync();
};

class Device : public std::enable_shared_from_this<Device> {
  public:
    // "cpu", "cuda0", "cpu:avx2:threads=2", or "auto": the device with the highest rank that can be opened.
    // executor: threads of the application, for a device whose loops run on the host; others do not ask for it. Its context
    // lives until the device and all that lives on it are gone.
    using Executor = std::optional<krait_host_executor>;
    static Result<std::shared_ptr<Device>> open(std::string_view spec, const Executor& executor = {});
    static Result<std::shared_ptr<Device>> open(const DeviceSpec& spec, const Executor& executor = {});
    ~Device();

    const std::string& name() const { return name_; }        // as a user would write it
    const krait_device_info& info() const { return info_; }  // of the device as its defaults are
    // The capabilities of the device as it was opened.
    const krait_device_capabilities& capabilities() const { return capabilities_; }
    bool can(uint32_t flag) const { return (capabilities_.flags & flag) != 0; }  // KRAIT_DEVICE_...
    const std::string& options() const { return options_; }  // that it was opened with, "threads=2:affinity=0-1"
    bool has_executor() const { return has_executor_; }      // was offered threads of the application
    const krait_backend& api() const { return plugin_->api(); }
    krait_device* get() const { return handle_; }

    Result<Buffer> create_buffer(krait_buffer_kind kind, uint64_t size) const;
    Result<Buffer> import_host(void* bytes, uint64_t size) const;  // bytes outlive the buffer
    // A plugin that was built before an operator is not asked about it: its uses of a constant or a memory are left out, its
    // nodes declined, programs with it and memories that nothing else uses refused.
    Result<Buffer> upload_constant(const TensorDesc& desc, std::span<const krait_use> uses, std::span<const std::byte> bytes,
                                   uint32_t flags = 0) const;
    // desc: its tensor in a graph (krait_memory_desc), which has slots or pages as the operands that use it say.
    Result<Buffer> create_memory(const TensorDesc& desc, std::span<const krait_use> uses) const;
    Result<Program> create_program(const krait_graph& graph) const;
    Result<Queue> create_queue() const;
    Result<Event> create_event() const;
    // Nothing where the device takes the node, else why not.
    std::optional<Error> declines(const krait_graph& graph, uint32_t node) const;

    Device(const Device&) = delete;
    Device& operator=(const Device&) = delete;

  private:
    Device(std::shared_ptr<Plugin> plugin, std::string name) : plugin_(std::move(plugin)), name_(std::move(name)) {}
    static Result<std::shared_ptr<Device>> open_auto(const Executor& executor);
    Result<void> check_known(uint32_t op) const;
    std::vector<krait_use> known_uses(std::span<const krait_use> uses) const;

    std::shared_ptr<Plugin> plugin_;
    std::string name_;
    krait_device_info info_{};
    krait_device_capabilities capabilities_{};
    krait_device* handle_ = nullptr;
    std::string options_;
    bool has_executor_ = false;
};

template <class T, void (*krait_backend::*Destroy)(T*)>
detail::Handle<T, Destroy>::Handle::~Handle() {
    if (handle_) (device_->api().*Destroy)(handle_);
}

}  // namespace krait
