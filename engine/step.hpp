// SPDX-License-Identifier: Apache-2.0
//
// One run of the session for several jobs, and what becomes of each of its parts. Where the run as a whole fails, every part
// whose sequence is as it was is run alone, so that an error ends the requests that caused it, and those whose states the
// failed run has half written, and no others.
#pragma once

#include "engine/job.hpp"
#include "engine/prefix/prefix_cache.hpp"

namespace krait::engine {

class Step {
  public:
    struct Part {
        Job* job = nullptr;
        size_t choice = 0;
        size_t n_row = 0;
        bool is_prompt = false;
        size_t first_position = 0, n_position = 0;  // in positions_
        size_t n_before = 0;                        // tokens of its sequence
    };
    // A part was read: the outputs after its last token, where it has any. Or it was not, and why.
    using Done = std::function<void(const Part& part, const Outputs& outputs)>;
    using Failed = std::function<void(const Part& part, const Error& error)>;

    Step(Session& session, PrefixCache& prefixes) : session_(session), prefixes_(prefixes) {
        has_top_k_ = session.model().placement().supports_top_k();
    }

    void clear();
    void add_token(Job& job, size_t choice);
    void add_prompt(Job& job, size_t n_row);
    bool is_empty() const { return parts_.empty(); }
    size_t n_decode() const { return n_decode_; }

    // Seconds that the session took.
    double run(const Done& done, const Failed& failed);
    // As Sampler::n_needed, by what the device can find.
    int32_t n_needed(const Job& job) const { return has_top_k_ ? job.choices.front().sampler.n_needed() : 0; }

  private:
    void plan_snapshots();
    SequenceInput input_of(const Part& part) const;
    void publish_snapshots(const Part& part);
    Outputs outputs_of(size_t input) const { return {session_.candidates(input), session_.logits(input)}; }
    void run_alone(const Part& part, const Error& first, const Done& done, const Failed& failed);

    Session& session_;
    PrefixCache& prefixes_;
    bool has_top_k_ = false;
    std::vector<Part> parts_;
    size_t n_decode_ = 0;
    std::vector<size_t> positions_;  // counted from the first token that is read
    std::vector<SequenceInput> batch_;
};

}  // namespace krait::engine
