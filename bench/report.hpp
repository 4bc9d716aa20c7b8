// SPDX-License-Identifier: Apache-2.0
//
// The output of krait bench: for people (table, md) and for programs (json, csv). docs/benchmarks.md explains each number.
#pragma once

#include <optional>
#include <string>

#include "bench/device_ceilings.hpp"
#include "bench/machine.hpp"
#include "bench/model_bench.hpp"
#include "bench/profile_report.hpp"
#include "bench/statistics.hpp"

namespace krait::bench {

struct Report {
    std::string version;  // of Krait
    std::string date;     // when it was measured: date_now()
    std::string device;   // as it was asked for
    int n_threads = 0;    // of the family "cpu"; 0 = another device
    Machine machine = {};
    BenchPlan plan;
    BenchResult result;
    std::optional<ProfileForm> profile_form = {};  // of the profiles in the texts for people; nothing = they have none
    std::optional<Ceilings> ceilings = {};         // only where the device is this processor
};

// The numbers of a series that follow from its times.
struct Rates {
    Spread tokens_per_second;
    double step_seconds = 0;                                 // median of a whole prompt, or of one step of decoding
    double bytes_per_second = 0, operations_per_second = 0;  // at the median
    std::optional<double> share_of_read, share_of_peak;      // 0 to 1; nothing without ceilings
};
Rates rates_of(const Series& series, const Report& report);

// "2026-01-31T12:00:00Z"
std::string date_now();
// "g++ 12.2.0, Release": how this code was compiled.
std::string build_text();

// "read 31.9 GB/s, f32 150 GFLOP/s (avx512), ..."
std::string ceilings_text(const Ceilings& ceilings);

std::string as_table(const Report& report);
std::string as_markdown(const Report& report);
std::string as_csv(const Report& report);   // a head line, then one line for each series
std::string as_json(const Report& report);  // one object; "schema" grows when a field changes its meaning

}  // namespace krait::bench
