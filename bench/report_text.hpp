// SPDX-License-Identifier: Apache-2.0
//
// Small pieces of text that the forms of a report share.
#pragma once

#include <algorithm>
#include <map>
#include <numeric>
#include <string>
#include <vector>

#include "bench/report.hpp"
#include "core/base/format_bytes.hpp"

namespace krait::bench {

struct TypeShare {
    int64_t tensors = 0, weights = 0;
    uint64_t bytes = 0;
};

// The most memory that the process held, by the size of the model's file.
inline double memory_ratio(const BenchResult& result) {
    return static_cast<double>(result.peak_memory) / static_cast<double>(result.model.file_bytes());
}

// By format name.
inline std::map<std::string, TypeShare> types_of(const api::Model& model) {
    std::map<std::string, TypeShare> types;
    for (const api::Tensor& tensor : model.tensors()) {
        TypeShare& share = types[std::string(tensor.type)];
        ++share.tensors;
        share.weights += std::accumulate(tensor.extents.begin(), tensor.extents.end(), int64_t{1}, std::multiplies<>());
        share.bytes += tensor.bytes;
    }
    return types;
}

// "130.2 M weights, 134.5 MiB (F32 1.9 MiB, Q8_0 132.6 MiB)"
inline std::string types_text(const api::Model& model) {
    TypeShare all;
    std::string parts;
    for (const auto& [type, share] : types_of(model)) {
        all.weights += share.weights;
        all.bytes += share.bytes;
        parts += fmt::format("{}{} {}", parts.empty() ? "" : ", ", type, format_bytes(share.bytes));
    }
    return fmt::format("{:.1f} M weights, {} ({})", static_cast<double>(all.weights) * 1e-6, format_bytes(all.bytes), parts);
}

// "cpu:avx512": with the variant that was chosen.
inline std::string device_name(const Report& report) {
    const auto devices = report.result.model.devices();
    if (devices.size() > 1) return std::string(report.result.model.device());
    const std::string name = devices.front().name, variant = devices.front().variant;
    return variant.empty() || name.find(':') != std::string::npos ? name : name + ":" + variant;
}

// Facts with their names, then a table whose first row is its head; the table is left out where it has no other row.
using Facts = std::vector<std::pair<std::string, std::string>>;
using Cells = std::vector<std::vector<std::string>>;
std::string table_text(const Facts& facts, const Cells& rows);
std::string markdown_text(const Facts& facts, const Cells& rows);

// Rows of cells as a table, every column as wide as its widest cell: the first n_left columns to the left, numbers to the
// right.
inline std::string aligned(const Cells& rows, size_t n_left = 1) {
    std::string text;
    std::vector<size_t> widths(rows[0].size(), 0);
    for (const auto& row : rows)
        for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
    for (const auto& row : rows) {
        for (size_t i = 0; i < row.size(); ++i)
            text += i < n_left ? fmt::format("{}{:<{}}", i == 0 ? "" : "  ", row[i], widths[i])
                               : fmt::format("  {:>{}}", row[i], widths[i]);
        text += '\n';
    }
    return text;
}

// In quotes where it has to be.
inline std::string csv_field(const std::string& text) {
    if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
    std::string quoted = "\"";
    for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
    return quoted + '"';
}

}  // namespace krait::bench
