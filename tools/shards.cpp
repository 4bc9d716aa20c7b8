// SPDX-License-Identifier: Apache-2.0
#include "tools/shards.hpp"

#include "core/base/parse_bytes.hpp"
#include "core/base/printable.hpp"
#include "tools/command.hpp"

namespace krait::tools {

Result<GgufShardLimits> parse_shard_size(std::string_view option, std::string_view size) {
    const std::optional<double> bytes = parse_bytes(size);
    if (!bytes || *bytes < 1 || *bytes > 0x1p60)
        return fail(ErrorCode::invalid_argument, "{} {} is no size; it is a number of bytes, K, M, G or T, like 2G", option,
                    quote(size));
    return GgufShardLimits{.max_bytes = static_cast<uint64_t>(*bytes)};
}

void print_shards(const ResultReport& out, std::span<const WrittenShard> shards, const GgufShardLimits& limits) {
    for (const WrittenShard& shard : shards)
        out.print("{}: {}, {}{}\n", krait::printable(shard.path.string()),
                  counted(static_cast<int64_t>(shard.n_tensor), "tensor"), format_bytes(static_cast<double>(shard.bytes)),
                  shard.bytes > limits.max_bytes ? ", larger than was asked for: no tensor is cut" : "");
}

}  // namespace krait::tools
