// SPDX-License-Identifier: Apache-2.0
//
// Model files in shards, as `krait gguf split` and `krait convert` write them.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "formats/gguf/gguf_split.hpp"
#include "tools/output.hpp"

namespace krait::tools {

// "2G" as the largest size of a file; option: whose value it is, for errors.
Result<GgufShardLimits> parse_shard_size(std::string_view option, std::string_view size);

// A line for each file. A shard beyond the limit holds a single tensor, and the line says so.
void print_shards(const ResultReport& out, std::span<const WrittenShard> shards, const GgufShardLimits& limits = {});

}  // namespace krait::tools
