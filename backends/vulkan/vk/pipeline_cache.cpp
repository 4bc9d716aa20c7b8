// SPDX-License-Identifier: Apache-2.0
#include "backends/vulkan/vk/pipeline_cache.hpp"

#include <unistd.h>

#include <cstring>
#include <fstream>
#include <random>

namespace krait::vulkan::vk {
namespace {

// A header before the driver's bytes, which drivers check only in part: a file that was cut must not reach them.
struct FileHead {
    char magic[8] = {'k', 'r', 'a', 'i', 't', 'v', 'k', '1'};
    uint64_t size = 0;
    uint64_t checksum = 0;
};

uint64_t checksum_of(std::span<const std::byte> bytes) {  // FNV-1a
    uint64_t hash = 0xcbf29ce484222325u;
    for (const std::byte b : bytes) hash = (hash ^ static_cast<uint64_t>(b)) * 0x100000001b3u;
    return hash;
}

std::filesystem::path file_of(const PhysicalDevice& device, const std::filesystem::path& directory) {
    std::string name = "vulkan-";
    for (const uint8_t b : device.properties.pipelineCacheUUID) name += fmt::format("{:02x}", b);
    name += fmt::format("-{:04x}-{:04x}-{:x}.cache", device.properties.vendorID, device.properties.deviceID,
                        device.properties.driverVersion);
    return directory / name;
}

std::vector<std::byte> load(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    FileHead head, expected;
    if (!in.read(reinterpret_cast<char*>(&head), sizeof head)) return {};
    std::error_code error;
    const uint64_t size = std::filesystem::file_size(file, error);
    if (error || std::memcmp(head.magic, expected.magic, sizeof head.magic) != 0 || size < sizeof head ||
        head.size != size - sizeof head)
        return {};
    std::vector<std::byte> bytes(head.size);
    if (!in.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()))) return {};
    return checksum_of(bytes) == head.checksum ? bytes : std::vector<std::byte>();
}

}  // namespace

PipelineCache::PipelineCache(Device& device, const std::filesystem::path& directory) : device_(device) {
    std::vector<std::byte> bytes;
    if (!directory.empty()) {
        file_ = file_of(device.physical(), directory);
        bytes = load(file_);
    }
    VkPipelineCacheCreateInfo info{VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO};
    info.initialDataSize = bytes.size();
    info.pInitialData = bytes.data();
    if (device.fn().vkCreatePipelineCache(device.get(), &info, nullptr, &handle_) != VK_SUCCESS) {
        info.initialDataSize = 0;
        device.check(device.fn().vkCreatePipelineCache(device.get(), &info, nullptr, &handle_), "creating a pipeline cache");
    }
    loaded_bytes_ = bytes.size();
}

PipelineCache::~PipelineCache() {
    try {
        if (!file_.empty()) save();
    } catch (const std::exception& e) {
        plugin::log(KRAIT_LOG_DEBUG, fmt::format("the pipeline cache was not saved: {}", e.what()));
    }
    device_.fn().vkDestroyPipelineCache(device_.get(), handle_, nullptr);
}

void PipelineCache::save() const {
    size_t size = 0;
    vk::check(device_.fn().vkGetPipelineCacheData(device_.get(), handle_, &size, nullptr), "reading the pipeline cache");
    if (size <= loaded_bytes_) return;  // nothing new was compiled
    std::vector<std::byte> bytes(size);
    vk::check(device_.fn().vkGetPipelineCacheData(device_.get(), handle_, &size, bytes.data()), "reading the pipeline cache");
    bytes.resize(size);
    FileHead head;
    head.size = bytes.size();
    head.checksum = checksum_of(bytes);

    std::filesystem::create_directories(file_.parent_path());
    std::filesystem::path temporary = file_;
    temporary += fmt::format(".{}-{:08x}", getpid(), std::random_device{}());
    try {
        std::ofstream out(temporary, std::ios::binary);
        out.write(reinterpret_cast<const char*>(&head), sizeof head);
        out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
        out.close();
        if (!out) plugin::throw_error(ErrorCode::io, "{} cannot be written", temporary.string());
        std::filesystem::rename(temporary, file_);
    } catch (...) {
        std::error_code ignored;
        std::filesystem::remove(temporary, ignored);
        throw;
    }
}

}  // namespace krait::vulkan::vk
