// SPDX-License-Identifier: Apache-2.0
#include "models/placement/device_rates.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <fstream>
#include <optional>

#include "core/base/environment.hpp"
#include "core/quant/codec.hpp"
#include "graph/builder.hpp"
#include "graph/executor.hpp"

namespace krait {
namespace {

using Clock = std::chrono::steady_clock;
double since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

constexpr int64_t kWidth = 2048;        // of the rows of weights, as in models of a billion of them
constexpr int64_t kMaxRows = 65536;     // 143 MB of Q8_0: more than most caches
constexpr double kLongEnough = 0.01;    // seconds of a measurement that counts
constexpr size_t kCopyBytes = 4 << 20;  // of the copy whose rate counts

// Seconds of the faster of two runs of y[n_row, n_out] = W x; the first run of all has been left out.
Result<double> time_product(graph::Executor& executor, int64_t n_row, int64_t n_out) {
    const TensorDesc desc = make_desc(DType::Q8_0, {n_out, kWidth});
    std::vector<float> row(kWidth);
    for (size_t i = 0; i < row.size(); ++i) row[i] = static_cast<float>(i % 17) / 8 - 1;
    std::vector<std::byte> bytes(static_cast<size_t>(n_out * row_bytes(DType::Q8_0, kWidth)));
    const auto stride = static_cast<size_t>(row_bytes(DType::Q8_0, kWidth));
    encode_row(DType::Q8_0, row, bytes.data());
    for (size_t at = stride; at < bytes.size(); at += stride)
        std::copy_n(bytes.begin(), stride, bytes.begin() + static_cast<ptrdiff_t>(at));
    const krait_use use{static_cast<uint32_t>(OpId::mul_mat), 1};
    KRAIT_TRY(Buffer weights, executor.device().upload_constant(desc, {&use, 1}, bytes));
    auto storage = std::make_shared<const Buffer>(std::move(weights));

    graph::TensorId x = graph::kNoTensor, y = graph::kNoTensor;
    KRAIT_TRY(graph::Compiled * compiled, executor.prepare(fmt::format("{} x {}", n_row, n_out), [&]() -> Result<graph::Graph> {
        graph::GraphBuilder b;
        x = b.input("x", make_desc(DType::F32, {n_row, kWidth}));
        y = b.op<ops::MulMat>("y", {.x = x, .w = b.constant("w", desc, storage)}).y;
        b.output(y);
        return std::move(b).finish();
    }));
    std::vector<float> values(static_cast<size_t>(n_row * kWidth), 0.5f);
    const graph::InputBytes input{x, std::as_bytes(std::span(values))};
    double best = 0;
    for (int run = 0; run < 3; ++run) {
        const auto start = Clock::now();
        KRAIT_CHECK(executor.run(*compiled, {&input, 1}));
        KRAIT_CHECK(executor.sync());
        const double seconds = since(start);
        best = run <= 1 ? seconds : std::min(best, seconds);
        if (run == 0 && seconds > 1) break;  // a device for debugging: one run tells enough
    }
    return std::max(best, 1e-9);
}

// A rate that grows with the size is measured on more until it takes long enough.
Result<double> grow(graph::Executor& executor, int64_t n_row, int64_t n_out, double per_output) {
    for (;; n_out = std::min(n_out * 4, kMaxRows)) {
        KRAIT_TRY(const double seconds, time_product(executor, n_row, n_out));
        if (seconds >= kLongEnough || n_out == kMaxRows) return per_output * static_cast<double>(n_out) / seconds;
    }
}

Result<void> time_copies(const Device& device, Queue& queue, DeviceRates& rates) {
    KRAIT_TRY(const Buffer buffer, device.create_buffer(KRAIT_BUFFER_DEVICE, kCopyBytes));
    std::vector<std::byte> bytes(kCopyBytes);
    const auto there_and_back = [&](size_t size) -> Result<double> {
        double best = 0;
        for (int run = 0; run < 3; ++run) {
            const auto start = Clock::now();
            KRAIT_CHECK(queue.write(buffer, 0, std::span(bytes).first(size)));
            KRAIT_CHECK(queue.read(std::span(bytes).first(size), buffer, 0));
            KRAIT_CHECK(queue.sync());
            best = run <= 1 ? since(start) : std::min(best, since(start));
        }
        return best / 2;
    };
    KRAIT_TRY(rates.copy_seconds, there_and_back(64));
    KRAIT_TRY(const double large, there_and_back(kCopyBytes));
    rates.copy_bytes_per_second = static_cast<double>(kCopyBytes) / std::max(large - rates.copy_seconds, 1e-9);
    return {};
}

std::string key_of(const Device& device) {
    std::string key = fmt::format("{}|{}|{}|{}|{}", device.name(), device.options(), device.api().version, device.info().name,
                                  device.info().features);
    std::replace_if(
        key.begin(), key.end(), [](char c) { return c == '\t' || c == '\n'; }, ' ');
    return key;
}

// "1e9\t2e11\t1e-06\t8e9", whatever the locale; none where it is anything else.
std::optional<DeviceRates> parse_rates(std::string_view text) {
    std::array<double, 4> number{};
    const char *at = text.data(), *const end = text.data() + text.size();
    for (size_t i = 0; i < number.size(); ++i) {
        if (i > 0 && (at == end || *at++ != '\t')) return std::nullopt;
        const auto [next, code] = std::from_chars(at, end, number[i]);
        if (code != std::errc{} || !std::isfinite(number[i])) return std::nullopt;
        at = next;
    }
    const DeviceRates r{number[0], number[1], number[2], number[3]};
    const bool is_sound = at == end && r.bytes_per_second > 0 && r.operations_per_second > 0 && r.copy_seconds >= 0 &&
                          r.copy_bytes_per_second > 0;
    return is_sound ? std::optional(r) : std::nullopt;
}

std::filesystem::path path_in(const std::filesystem::path& folder) { return folder / "rates.tsv"; }

// Where they are kept. Nowhere, where the application's threads compute: how many there are is its own affair, from run to run.
std::optional<std::filesystem::path> folder_for(const Device& device) {
    return device.has_executor() ? std::nullopt : environment::cache_directory();
}

std::optional<DeviceRates> known_rates(const Device& device) {
    const auto folder = folder_for(device);
    if (!folder) return std::nullopt;
    const std::string key = key_of(device) + "\t";
    std::ifstream file(path_in(*folder));
    for (std::string line; std::getline(file, line);)
        if (line.starts_with(key))
            if (const auto rates = parse_rates(std::string_view(line).substr(key.size()))) return rates;
    return std::nullopt;
}

}  // namespace

Result<DeviceRates> measure_rates(const std::shared_ptr<const Device>& device) {
    KRAIT_TRY(graph::Executor executor, graph::Executor::create(device));
    constexpr int64_t kManyRows = 128;
    DeviceRates rates;
    const auto weight_bytes = static_cast<double>(row_bytes(DType::Q8_0, kWidth));
    KRAIT_TRY(rates.bytes_per_second, grow(executor, 1, 256, weight_bytes));
    KRAIT_TRY(rates.operations_per_second, grow(executor, kManyRows, 64, 2.0 * kManyRows * kWidth));
    KRAIT_CHECK(time_copies(*device, executor.queue(), rates));
    return rates;
}

Result<DeviceRates> rates_of(const std::shared_ptr<const Device>& device) {
    if (const auto known = known_rates(*device)) return *known;
    KRAIT_TRY(const DeviceRates r, measure_rates(device));
    const auto folder = folder_for(*device);
    if (!folder) return r;
    std::error_code ignored;
    std::filesystem::create_directories(*folder, ignored);
    // One write of one line: what two processes append does not mix.
    std::ofstream(path_in(*folder), std::ios::app)
        << fmt::format("{}\t{}\t{}\t{}\t{}\n", key_of(*device), r.bytes_per_second, r.operations_per_second, r.copy_seconds,
                       r.copy_bytes_per_second);
    return r;
}

}  // namespace krait
