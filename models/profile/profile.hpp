// SPDX-License-Identifier: Apache-2.0
//
// Where the time of a model's runs goes: each node's time, bytes and operations, and beside them the time of the same runs as
// they are without a profile. A recorder observes the runs of a session; the profile adds up what two of them see.
//   Profile profile(model->placement().labels());
//   ProfileRecorder plain(profile, ProfileRecorder::Runs::plain), by_node(profile, ProfileRecorder::Runs::by_node);
//   Session a = Session::create(model, {.run_observer = &plain}), then b with &by_node; both decode the same.
// On a quiet machine the sum of the nodes is more than a plain run: the host waits for the device after each node, and what a
// backend fuses runs apart.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "graph/run_observer.hpp"
#include "models/profile/profile_trace.hpp"

namespace krait {

// A run of one row for each of its sequences is decoding, every other one reads prompts.
enum class Phase : uint8_t { prompt, decode };
inline constexpr Phase kPhases[] = {Phase::prompt, Phase::decode};
inline const char* phase_name(Phase phase) { return phase == Phase::prompt ? "prompt" : "decode"; }

// Sums over calls: of one node, or of several.
struct NodeTotals {
    int64_t calls = 0;
    double seconds = 0;
    double min_seconds = 0;  // of a call
    double bytes_read = 0, bytes_written = 0;
    double operations = 0;

    double bytes() const { return bytes_read + bytes_written; }
    double mean_seconds() const { return calls > 0 ? seconds / static_cast<double>(calls) : 0; }
    double bytes_per_second() const { return seconds > 0 ? bytes() / seconds : 0; }
    double operations_per_second() const { return seconds > 0 ? operations / seconds : 0; }
    NodeTotals& operator+=(const NodeTotals& other);
};

struct NodeProfile {
    std::string name;
    OpId op{};
    int32_t layer = 0;  // as graph::Node::layer
    size_t device = 0;  // into Profile::devices
    NodeTotals totals;
};

// Nodes that have something in common: an operator, or a name in all layers.
struct NodeGroup {
    std::string name;
    OpId op{};
    size_t device = 0;
    NodeTotals totals;
};

struct PhaseProfile {
    int64_t n_runs = 0, n_rows = 0;  // of the runs by node
    double run_seconds = 0;          // of the runs by node: their nodes, inputs, and copies between devices
    int64_t n_plain_runs = 0;
    double plain_seconds = 0;        // of the plain runs
    std::vector<NodeProfile> nodes;  // in the order in which they first ran

    bool is_empty() const { return n_runs == 0; }
    NodeTotals sum() const;
    std::vector<NodeGroup> by_operator() const;  // and device; the slowest first
    std::vector<NodeGroup> by_name() const;      // over layers: "blk.*.in"; the slowest first
};

class Profile {
  public:
    explicit Profile(std::vector<std::string> devices) : devices_(std::move(devices)) {}
    const std::vector<std::string>& devices() const { return devices_; }
    const PhaseProfile& phase(Phase phase) const { return phases_[static_cast<size_t>(phase)]; }
    void pause(bool paused) { is_paused_ = paused; }  // runs are not counted, as for those that warm up

  private:
    friend class ProfileRecorder;
    std::vector<std::string> devices_;
    bool is_paused_ = false;
    PhaseProfile phases_[2];
    std::map<std::string, size_t, std::less<>> index_[2];  // by phase: of a node among its nodes, by name
};

// Adds the runs of one session to a profile, which it borrows, and their nodes to a trace where there is one.
class ProfileRecorder final : public graph::RunObserver {
  public:
    enum class Runs : uint8_t { plain, by_node };
    ProfileRecorder(Profile& profile, Runs runs, ProfileTrace* trace = nullptr)
        : profile_(profile), runs_(runs), trace_(trace) {}

    bool wants_nodes() const override { return runs_ == Runs::by_node; }
    void ran(const graph::ObservedRun& run) override;

  private:
    Profile& profile_;
    Runs runs_;
    ProfileTrace* trace_;
};

}  // namespace krait
