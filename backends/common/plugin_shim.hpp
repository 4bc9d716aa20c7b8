// SPDX-License-Identifier: Apache-2.0
//
// The plugin ABI (core/abi/backend_abi.h) as C++ classes: a plugin derives from Device, Buffer, Queue, Program and Event,
// describes itself in one PluginInfo and ends one source file with KRAIT_DEFINE_PLUGIN(kInfo). Virtual functions throw what
// went wrong (PluginError, or any std::exception); the C functions in plugin_shim.cpp catch everything and fill krait_error.
//
// Checked before a virtual function is called, so that no plugin repeats it: handles and out pointers are not NULL, handles
// belong to the same device, offsets and sizes lie inside (without overflow), units exist, descriptions are sound, the
// graph's indices, op ids, sizes of params, roles and places are right, event values are larger than before.
// Threads: as the head of backend_abi.h says; nothing here adds a lock.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <exception>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/abi/backend_abi.h"
#include "core/base/result.hpp"
#include "core/tensor/tensor_desc.hpp"

namespace krait::plugin {

// ---- errors and logging ---------------------------------------------------------------------------------------------

class PluginError : public std::exception {
  public:
    explicit PluginError(Error error) : error_(std::move(error)) {}
    PluginError(ErrorCode code, std::string message) : error_{code, std::move(message)} {}
    const char* what() const noexcept override { return error_.message.c_str(); }
    const Error& error() const noexcept { return error_; }

  private:
    Error error_;
};

// throw_error(ErrorCode::unavailable, "no driver for {}", name);
template <class... Args>
[[noreturn]] void throw_error(ErrorCode code, fmt::format_string<Args...> text, Args&&... args) {
    throw PluginError(code, fmt::format(text, std::forward<Args>(args)...));
}

// The value of a Result, or its error thrown.
template <class T>
T value_or_throw(Result<T> result) {
    if (!result) throw PluginError(std::move(result).error());
    if constexpr (!std::is_void_v<T>) return std::move(*result);
}

// "asked for 96.0 GiB; 1.2 GiB are free": free_bytes 0 = not known.
[[noreturn]] void throw_out_of_memory(uint64_t size, uint64_t free_bytes, std::string_view what);

// Goes to the host's log; nothing happens before the host has asked for the table. Any thread.
void log(krait_log_level level, const std::string& message) noexcept;

// Where the plugin may keep files that it can make again; empty = nowhere.
std::string host_cache_directory();

// Why an op is declined; nullopt = it is supported. return decline("d_conv {}: at most 8", d_conv);
using Decline = std::optional<std::string>;
inline constexpr std::nullopt_t kSupported = std::nullopt;
template <class... Args>
Decline decline(fmt::format_string<Args...> text, Args&&... args) {
    return fmt::format(text, std::forward<Args>(args)...);
}

// ---- options --------------------------------------------------------------------------------------------------------

struct OptionSpec {
    std::string_view key;
    std::string_view help;  // "number of threads"
};

// The option text of device_open, "key=value:key=value". An unknown key, a key given twice or a word without '=' throws
// INVALID_ARGUMENT and lists the known keys.
class Options {
  public:
    Options(std::string_view text, std::span<const OptionSpec> known);
    std::optional<std::string_view> text(std::string_view key) const;
    // Throws INVALID_ARGUMENT where the value is not a whole number from min to max.
    std::optional<int64_t> integer(std::string_view key, int64_t min, int64_t max) const;
    std::optional<bool> boolean(std::string_view key) const;  // 0, 1, off, on

  private:
    std::string text_;
    std::vector<std::pair<std::string_view, std::string_view>> values_;  // into text_

  public:
    Options(const Options&) = delete;
    Options& operator=(const Options&) = delete;
};

// ---- what a plugin implements ---------------------------------------------------------------------------------------

class Device;

// The facts that the shim needs to know of a buffer to check a call.
struct BufferSpec {
    enum class Content { values, constant, memory };
    Content content = Content::values;
    uint64_t range = 0;           // bytes that offsets may address: the size asked for; 0 for constants and memories
    TensorDesc constant{};        // of a constant: as uploaded
    krait_memory_desc memory{};   // of a memory: as created, without its uses
    std::vector<krait_use> uses;  // of a memory

    static BufferSpec of_values(uint64_t size);
    static BufferSpec of_constant(const TensorDesc& desc);
    static BufferSpec of_memory(const krait_memory_desc& desc);
};

class Buffer {
  public:
    Buffer(Device& device, BufferSpec spec) : device_(device), spec_(std::move(spec)) {}
    virtual ~Buffer() = default;
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;

    virtual uint64_t allocated() const noexcept = 0;  // bytes that it really takes on the device
    virtual void* map();                              // default: throws UNSUPPORTED

    Device& device() const noexcept { return device_; }
    const BufferSpec& spec() const noexcept { return spec_; }

  private:
    Device& device_;
    BufferSpec spec_;
};

class Event {
  public:
    explicit Event(Device& device) : device_(device) {}
    virtual ~Event() = default;
    Event(const Event&) = delete;
    Event& operator=(const Event&) = delete;

    virtual uint64_t value() noexcept = 0;
    virtual bool wait(uint64_t value, uint64_t timeout_ns) = 0;  // false = timed out

    Device& device() const noexcept { return device_; }

  private:
    Device& device_;
};

// How large the dynamic dimensions of a graph are (krait_graph). Empty: each has its largest size, or there are none.
class DimSizes {
  public:
    DimSizes() = default;
    explicit DimSizes(std::span<const int64_t> sizes) : n_(sizes.size()) {
        std::copy(sizes.begin(), sizes.end(), sizes_.begin());
    }
    std::span<const int64_t> get() const noexcept { return {sizes_.data(), n_}; }
    bool operator==(const DimSizes& other) const noexcept {
        return std::equal(get().begin(), get().end(), other.get().begin(), other.get().end());
    }

  private:
    std::array<int64_t, KRAIT_MAX_DIMS> sizes_{};
    size_t n_ = 0;
};

class Program {
  public:
    explicit Program(Device& device) : device_(device) {}
    virtual ~Program() = default;
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;

    Device& device() const noexcept { return device_; }
    // The largest sizes of its graph's dynamic dimensions; the shim sets them.
    const DimSizes& dim_max() const noexcept { return dim_max_; }
    void set_dim_max(const DimSizes& dim_max) noexcept { dim_max_ = dim_max; }

  private:
    Device& device_;
    DimSizes dim_max_;
};

class Queue {
  public:
    explicit Queue(Device& device) : device_(device) {}
    virtual ~Queue() = default;  // waits for its work
    Queue(const Queue&) = delete;
    Queue& operator=(const Queue&) = delete;

    virtual void write(Buffer& dst, uint64_t dst_offset, const void* src, uint64_t size) = 0;
    virtual void read(void* dst, Buffer& src, uint64_t src_offset, uint64_t size) = 0;
    virtual void copy(Buffer& dst, uint64_t dst_offset, Buffer& src, uint64_t src_offset, uint64_t size) = 0;
    // sizes: as many as program.dim_max() has, none larger. A queue may ignore them and compute all rows.
    virtual void run(Program& program, const DimSizes& sizes) = 0;
    virtual void export_memory(Buffer& memory, int64_t unit, void* dst, uint64_t size) = 0;
    virtual void import_memory(Buffer& memory, int64_t unit, const void* src, uint64_t size) = 0;
    virtual void copy_memory(Buffer& memory, int64_t src_unit, int64_t dst_unit) = 0;
    virtual void signal(Event& event, uint64_t value) = 0;
    virtual void wait(Event& event, uint64_t value) = 0;
    virtual void sync() = 0;  // throws the first error of the work since the last sync

    Device& device() const noexcept { return device_; }

  private:
    Device& device_;
};

struct ConstantUpload {
    TensorDesc desc;                   // contiguous
    std::span<const krait_use> uses;   // backends/common/constant_uses.hpp reads them
    std::span<const std::byte> bytes;  // as in a GGUF file; any alignment
    bool bytes_persist;                // bytes stay until the buffer is destroyed
};

// krait_device_capabilities without its size.
struct Capabilities {
    uint32_t flags = 0;  // KRAIT_DEVICE_...
    krait_rounding quantized_rounding = KRAIT_ROUNDING_NONE;
    krait_rounding half_rounding = KRAIT_ROUNDING_NONE;
};

class Device {
  public:
    Device() = default;
    virtual ~Device() = default;
    Device(const Device&) = delete;
    Device& operator=(const Device&) = delete;

    virtual Capabilities capabilities() const { return {}; }
    virtual std::unique_ptr<Buffer> create_buffer(krait_buffer_kind kind, uint64_t size) = 0;
    virtual std::unique_ptr<Buffer> import_host(void* bytes, uint64_t size);  // default: throws UNSUPPORTED
    virtual std::unique_ptr<Buffer> upload_constant(const ConstantUpload& upload) = 0;
    virtual std::unique_ptr<Buffer> create_memory(const krait_memory_desc& desc) = 0;
    virtual Decline supports(const krait_graph& graph, const krait_graph_node& node) = 0;
    virtual std::unique_ptr<Program> create_program(const krait_graph& graph) = 0;
    virtual std::unique_ptr<Queue> create_queue() = 0;
    virtual std::unique_ptr<Event> create_event() = 0;
};

// Handles are the objects themselves.
inline Buffer* buffer_of(krait_buffer* handle) noexcept { return reinterpret_cast<Buffer*>(handle); }
inline const Buffer* buffer_of(const krait_buffer* handle) noexcept { return reinterpret_cast<const Buffer*>(handle); }

// ---- the table ------------------------------------------------------------------------------------------------------

// Parameters with which a device is opened (krait_open_params).
struct OpenParams {
    std::string_view options;
    // The application's threads, where it gave some: the device then starts none for its loops.
    std::optional<krait_host_executor> executor;
};

// Functions may throw; score must have no side effects and says in why what a 0 is because of.
struct PluginInfo {
    const char* family;
    const char* variant;
    const char* version;
    uint32_t (*score)(std::string& why);
    uint32_t (*device_count)();
    void (*device_info)(uint32_t index, krait_device_info& info);  // info is zeroed; index is in range
    std::unique_ptr<Device> (*device_open)(uint32_t index, const OpenParams& params);
};

// For device_info: cut where it does not fit, always terminated.
void set_text(std::span<char> field, std::string_view text) noexcept;

namespace detail {
// All functions that do not depend on the plugin, in the table; info's own are added by make_table.
krait_backend table_of_handles() noexcept;
bool accept_host(uint32_t host_abi_version, const krait_host* host) noexcept;
uint32_t score(const PluginInfo& info, krait_error* why) noexcept;
uint32_t device_count(const PluginInfo& info) noexcept;
krait_status device_info(const PluginInfo& info, uint32_t index, krait_device_info* out, krait_error* err) noexcept;
krait_status device_open(const PluginInfo& info, uint32_t index, const krait_open_params* params, krait_device** out,
                         krait_error* err) noexcept;

template <const PluginInfo& kInfo>
krait_backend make_table() noexcept {
    krait_backend table = table_of_handles();
    table.family = kInfo.family;
    table.variant = kInfo.variant;
    table.version = kInfo.version;
    table.score = [](krait_error* why) noexcept { return score(kInfo, why); };
    table.device_count = []() noexcept { return device_count(kInfo); };
    table.device_info = [](uint32_t index, krait_device_info* out, krait_error* err) noexcept {
        return device_info(kInfo, index, out, err);
    };
    table.device_open = [](uint32_t index, const krait_open_params* params, krait_device** out, krait_error* err) noexcept {
        return device_open(kInfo, index, params, out, err);
    };
    return table;
}
}  // namespace detail
}  // namespace krait::plugin

// The exported name; linked-in plugins (KRAIT_STATIC_PLUGINS) get one each, krait_plugin_query_<name>.
#ifndef KRAIT_PLUGIN_QUERY_SYMBOL
#define KRAIT_PLUGIN_QUERY_SYMBOL krait_plugin_query
#endif

// At the end of one source file, outside all namespaces. info: a constexpr PluginInfo with static storage.
#define KRAIT_DEFINE_PLUGIN(info)                                                                            \
    extern "C" KRAIT_PLUGIN_EXPORT const krait_backend* KRAIT_PLUGIN_QUERY_SYMBOL(uint32_t host_abi_version, \
                                                                                  const krait_host* host) {  \
        static const krait_backend table = krait::plugin::detail::make_table<info>();                        \
        return krait::plugin::detail::accept_host(host_abi_version, host) ? &table : nullptr;                \
    }
