// SPDX-License-Identifier: Apache-2.0

#include "backends/cpu/cpu_backend.hpp"

#include "backends/common/bind_kernels.hpp"
#include "backends/common/constant_uses.hpp"
#include "backends/cpu/quant/int16_constant.hpp"
#include "backends/cpu/quant/packed_constant.hpp"
#include "backends/cpu/simd/math.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

#define KRAIT_OP(id, name, Type, params_size, revision) KRAIT_DECLARE_KERNEL(name, Type, Context)
#include "core/ops/op_list.def"

namespace {

constexpr plugin::OpTable kOpTable{{
#define KRAIT_OP(id, name, Type, params_size, revision) KRAIT_KERNEL(name, Type, Context),
#include "core/ops/op_list.def"
}};

std::byte* reserve(plugin::host::Allocation& memory, int64_t n_bytes) {
    const auto bytes = static_cast<uint64_t>(n_bytes);
    if (memory.size() < bytes) memory = plugin::host::Allocation(bytes, "memory that threads share");
    return memory.data();
}

int64_t scan_channels(const krait_memory_desc& desc) { return desc.extent[0] * desc.extent[1]; }

}  // namespace

void Context::reserve_scratch(int64_t n_floats) {
    const uint64_t bytes = static_cast<uint64_t>(n_floats) * sizeof(float);
    for (plugin::host::Allocation& scratch : scratch_)
        if (scratch.size() < bytes) scratch = plugin::host::Allocation(bytes, "scratch memory of a thread");
}

std::byte* Context::reserve_shared(int64_t n_bytes) { return reserve(shared_, n_bytes); }

std::byte* Context::reserve_lists(int64_t n_bytes) { return reserve(lists_, n_bytes); }

InterleavedConstant::InterleavedConstant(plugin::Device& device, const plugin::ConstantUpload& upload, float factor,
                                         bool keep_file_bytes)
    : Constant(device, upload,
               static_cast<uint64_t>(blocks_of_lanes(upload.desc.extent[0]) * upload.desc.extent[1] * kLanes) * sizeof(float),
               keep_file_bytes),
      columns_(upload.desc.extent[1]) {
    const int64_t rows = upload.desc.extent[0];
    float* out = reinterpret_cast<float*>(memory().data());
    for (int64_t block = 0; block < blocks_of_lanes(rows); ++block)
        for (int64_t column = 0; column < columns_; ++column)
            for (int64_t lane = 0; lane < kLanes; ++lane, ++out) {
                const int64_t row = block * kLanes + lane;
                float value = 0;
                if (row < rows)
                    std::memcpy(&value, upload.bytes.data() + (row * columns_ + column) * int64_t{sizeof value}, sizeof value);
                *out = value * factor;
            }
}

ScanStatePool::ScanStatePool(plugin::Device& device, const krait_memory_desc& desc)
    : MemoryPool(device, desc,
                 static_cast<uint64_t>(blocks_of_lanes(scan_channels(desc)) * desc.extent[2] * kLanes) * sizeof(float)) {}

void ScanStatePool::to_canonical(const std::byte* unit, std::byte* canonical) const {
    const auto* slot = reinterpret_cast<const float*>(unit);
    auto* out = reinterpret_cast<float*>(canonical);
    const int64_t channels = scan_channels(spec().memory), d_state = extent(2);
    for (int64_t c = 0; c < channels; ++c)
        for (int64_t n = 0; n < d_state; ++n) out[c * d_state + n] = slot[(c / kLanes * d_state + n) * kLanes + c % kLanes];
}

void ScanStatePool::from_canonical(const std::byte* canonical, std::byte* unit) const {
    const auto* in = reinterpret_cast<const float*>(canonical);
    auto* slot = reinterpret_cast<float*>(unit);
    const int64_t channels = scan_channels(spec().memory), d_state = extent(2);
    for (int64_t block = 0; block < blocks_of_lanes(channels); ++block)
        for (int64_t n = 0; n < d_state; ++n)
            for (int64_t lane = 0; lane < kLanes; ++lane, ++slot) {
                const int64_t c = block * kLanes + lane;
                *slot = c < channels ? in[c * d_state + n] : 0.0f;
            }
}

Device::Device(const ThreadPool::Options& threads) : plugin::host::Device(kOpTable), pool_(threads) {}

plugin::Capabilities Device::capabilities() const {
    plugin::Capabilities capabilities = plugin::host::Device::capabilities();
    capabilities.quantized_rounding = KRAIT_ROUNDING_INT8X32;
    capabilities.half_rounding = KRAIT_ROUNDING_INT13X32;
    return capabilities;
}

std::unique_ptr<plugin::host::Constant> Device::make_constant(const plugin::ConstantUpload& upload) {
    const TensorDesc& desc = upload.desc;
    // A table alone stays as it is in the file: a row is decoded where it is looked up.
    const bool is_multiplied = desc.rank >= 2 && plugin::used_as(upload, OperandKind::matrix);
    if (is_multiplied && is_quantized(dtype_of(desc))) return std::make_unique<PackedConstant>(*this, upload, pool_);
    if (is_multiplied && (dtype_of(desc) == DType::F16 || dtype_of(desc) == DType::BF16)) {
        auto panels = std::make_unique<Int16Constant>(*this, upload, pool_);
        if (panels->finite()) return panels;
    }
    if (dtype_of(desc) == DType::F32 && desc.rank == 2) {
        // Decays by exp2: log2(e) goes into A here, and is never multiplied again.
        if (plugin::used_by(upload, OpId::ssm_scan, "A") && desc.extent[1] > 1)
            return std::make_unique<InterleavedConstant>(*this, upload, kLog2e,
                                                         true);  // heads of several channels read the file's
        if (plugin::used_by(upload, OpId::ssm_conv, "w"))
            return std::make_unique<InterleavedConstant>(*this, upload, 1.0f, upload.uses.size() > 1);
    }
    return plugin::host::Device::make_constant(upload);
}

std::unique_ptr<plugin::host::MemoryPool> Device::make_memory_pool(const krait_memory_desc& desc) {
    if (plugin::used_by(desc, OpId::ssm_scan, "state")) return std::make_unique<ScanStatePool>(*this, desc);
    return plugin::host::Device::make_memory_pool(desc);
}

std::unique_ptr<plugin::Device> open_device(const plugin::OpenParams& params) {
    return std::make_unique<Device>(pool_options(params));
}

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
