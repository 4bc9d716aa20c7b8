// SPDX-License-Identifier: Apache-2.0
//
// Buffers of plugins: what the shim knows of their contents, and what most devices cannot do with them.
#include "backends/common/plugin_shim.hpp"

namespace krait::plugin {

void* Buffer::map() {
    throw_error(
        ErrorCode::unsupported,
        "the bytes of this buffer are not for the host: constants and memories have a layout of the plugin's own, other "
        "buffers may not be visible");
}

BufferSpec BufferSpec::of_values(uint64_t size) {
    BufferSpec spec;
    spec.range = size;
    return spec;
}

BufferSpec BufferSpec::of_constant(const TensorDesc& desc) {
    BufferSpec spec;
    spec.content = Content::constant;
    spec.constant = desc;
    return spec;
}

BufferSpec BufferSpec::of_memory(const krait_memory_desc& desc) {
    BufferSpec spec;
    spec.content = Content::memory;
    spec.memory = desc;
    spec.memory.uses = nullptr;  // borrowed for the call that created it
    spec.memory.n_uses = 0;
    spec.uses.assign(desc.uses, desc.uses + desc.n_uses);
    return spec;
}

std::unique_ptr<Buffer> Device::import_host(void*, uint64_t) {
    throw_error(ErrorCode::unsupported, "this device cannot use the host's memory in place");
}

}  // namespace krait::plugin
