// SPDX-License-Identifier: Apache-2.0
//
// The cost model against all placements tried one by one, and the answers that a user would expect of it.
#include "models/placement/cost_model.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace krait {
namespace {

CostDevice device(const char* name, double bytes_per_second, double budget) {
    return {name, {bytes_per_second, 1e12, 1e-6, 1e10}, budget};
}

CostModel model(size_t n_layer, std::vector<CostDevice> devices) {
    CostModel m;
    m.layer_bytes.assign(n_layer, 1e8);
    m.layer_operations.assign(n_layer, 2e8);
    m.embedding_bytes = m.head_bytes = 2e8;
    m.row_bytes = 1e4;
    m.devices = std::move(devices);
    return m;
}

size_t count(const CheapestPlacement& placement, int32_t device) {
    return static_cast<size_t>(std::count(placement.layer.begin(), placement.layer.end(), device));
}

TEST(CostModel, AFastDeviceWithRoomTakesEverything) {
    const auto placed = cheapest_placement(model(24, {device("slow", 1e10, 1e12), device("fast", 1e12, 1e12)}));
    ASSERT_TRUE(placed) << placed.error().message;
    EXPECT_EQ(count(*placed, 1), 24u);
    EXPECT_EQ(placed->head, 1);
}

TEST(CostModel, WhatDoesNotFitGoesToTheSlowOne) {
    const auto placed = cheapest_placement(model(24, {device("fast", 1e12, 1.25e9), device("slow", 1e10, 1e12)}));
    ASSERT_TRUE(placed) << placed.error().message;
    // Either ten layers and the head there, or twelve; the head is worth two layers and does not need the embedding beside it.
    EXPECT_NEAR(static_cast<double>(count(*placed, 0)) + (placed->head == 0 ? 2 : 0), 12, 0.5);
    EXPECT_EQ(placed->embedding, 1) << "a row of it costs next to nothing, and it takes room";
}

TEST(CostModel, EqualDevicesShareTheWork) {
    const auto placed = cheapest_placement(model(24, {device("a", 1e10, 1e12), device("b", 1e10, 1e12)}));
    ASSERT_TRUE(placed) << placed.error().message;
    EXPECT_EQ(count(*placed, 0), 12u) << "half of the layers each: a prompt's rows hardly meet the head";
    EXPECT_EQ(count(*placed, 1), 12u);
}

TEST(CostModel, ATiedEmbeddingIsThereOnce) {
    CostModel m = model(4, {device("one", 1e10, 6.1e8)});
    EXPECT_FALSE(cheapest_placement(m));
    m.tied = true;
    EXPECT_TRUE(cheapest_placement(m));
}

TEST(CostModel, NoRoomIsSaidWithNumbers) {
    const auto placed = cheapest_placement(model(24, {device("a", 1e10, 1e9), device("b", 1e10, 1e9)}));
    ASSERT_FALSE(placed);
    EXPECT_EQ(placed.error().code, ErrorCode::out_of_memory);
    EXPECT_EQ(
        placed.error().message,
        "weights and states take up to 2.6 GiB; beside the values of a run there is room for 953.7 MiB on a, 953.7 MiB on b; "
        "name one more device");
}

// Every placement of few layers on few devices, priced from the definition.
double cheapest_by_trying(const CostModel& m) {
    const size_t n_device = m.devices.size(), n_layer = m.layer_bytes.size();
    double best = INFINITY;
    const auto crossing = [&](size_t a, size_t b) {
        if (a == b) return 0.0;
        const DeviceRates &x = m.devices[a].rates, &y = m.devices[b].rates;
        return x.copy_seconds + y.copy_seconds + m.row_bytes / x.copy_bytes_per_second + m.row_bytes / y.copy_bytes_per_second;
    };
    size_t n_all = n_device * n_device;
    for (size_t l = 0; l < n_layer; ++l) n_all *= n_device;
    for (size_t code = 0; code < n_all; ++code) {
        size_t rest = code;
        const auto digit = [&] { return std::exchange(rest, rest / n_device) % n_device; };
        const size_t embedding = digit(), head = digit();
        std::vector<double> used(n_device, 0);
        used[embedding] += m.embedding_bytes;
        if (!(m.tied && embedding == head)) used[head] += m.head_bytes;
        double seconds = m.head_bytes / m.devices[head].rates.bytes_per_second;
        size_t at = embedding, previous = 0;
        bool in_order = true;
        for (size_t l = 0; l < n_layer; ++l) {
            const size_t d = digit();
            in_order = in_order && d >= previous;
            previous = d;
            used[d] += m.layer_bytes[l];
            seconds += crossing(at, d) + m.layer_bytes[l] / m.devices[d].rates.bytes_per_second;
            at = d;
        }
        seconds += crossing(at, head);
        bool fits = in_order;
        for (size_t d = 0; d < n_device; ++d) fits = fits && used[d] <= m.devices[d].budget;
        if (fits) best = std::min(best, seconds);
    }
    return best;
}

TEST(CostModel, NothingBeatsItByMoreThanTheSlack) {
    std::mt19937 random(5);
    const auto between = [&](double low, double high) {
        return low * std::pow(high / low, static_cast<double>(random() % 1000) / 999);
    };
    for (int i = 0; i < 200; ++i) {
        SCOPED_TRACE(i);
        CostModel m;
        for (size_t l = 0, n = 1 + random() % 4; l < n; ++l) {
            m.layer_bytes.push_back(between(1e6, 1e8));
            m.layer_operations.push_back(between(1e6, 1e8));
        }
        m.embedding_bytes = m.head_bytes = between(1e6, 1e8);
        m.tied = random() % 2;
        m.row_bytes = 1e4;
        for (size_t d = 0, n = 1 + random() % 3; d < n; ++d)
            m.devices.push_back({"d", {between(1e9, 1e12), 1e12, between(1e-7, 1e-3), between(1e8, 1e10)}, between(1e7, 1e9)});
        const double best = cheapest_by_trying(m);
        const auto placed = cheapest_placement(m);
        ASSERT_EQ(placed.has_value(), std::isfinite(best));
        if (!placed) continue;
        EXPECT_GE(placed->token_seconds, best * (1 - 1e-9));
        EXPECT_LE(placed->token_seconds, best * (1 + CostModel::kSlack + 1e-9));
    }
}

}  // namespace
}  // namespace krait
