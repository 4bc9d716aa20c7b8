// SPDX-License-Identifier: Apache-2.0
//
// Who is next, of requests with keys: the highest priority, of these the key that got the fewest rows for its weight, of its
// requests the one that got the fewest. Start-time fair queueing (P. Goyal, H. Vin, H. Cheng, "Start-time Fair Queueing",
// IEEE/ACM Transactions on Networking 5(5), 1997) on two levels: the rows that a key or a request got are its virtual time;
// whoever comes new, or comes back, begins at the virtual time of the one that was served last, and neither pays for a past in
// which nobody else was there nor saves up for a future.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>

namespace krait::engine {

class FairShare {
  public:
    struct Key {
        double time = 0;   // rows by weight
        double clock = 0;  // the time of its request that was served last
        double weight = 1;
        int64_t n_member = 0;
    };
    // Of a key; it leaves with leave().
    struct Member {
        Key* key = nullptr;
        int32_t priority = 0;
        double time = 0;
        uint64_t arrival = 0;
    };

    Member join(const std::string& name, double weight, int32_t priority) {
        Key& key = keys_[name];
        if (key.n_member++ == 0) key.time = std::max(key.time, clock_);
        key.weight = weight;
        return {&key, priority, key.clock, n_arrival_++};
    }
    void leave(const Member& member) {
        if (--member.key->n_member > 0) return;
        // A key that is ahead of others is remembered until they have caught up.
        std::erase_if(keys_, [&](const auto& entry) { return entry.second.n_member == 0 && entry.second.time <= clock_; });
    }
    static bool is_before(const Member& a, const Member& b) {
        if (a.priority != b.priority) return a.priority > b.priority;
        if (a.key != b.key && a.key->time != b.key->time) return a.key->time < b.key->time;
        if (a.key == b.key && a.time != b.time) return a.time < b.time;
        return a.arrival < b.arrival;
    }
    void charge(Member& member, double n_row) {
        clock_ = std::max(clock_, member.key->time);
        member.key->clock = std::max(member.key->clock, member.time);
        member.key->time += n_row / member.key->weight;
        member.time += n_row;
    }
    size_t n_key() const { return keys_.size(); }

  private:
    std::map<std::string, Key> keys_;  // nodes stay where they are
    double clock_ = 0;
    uint64_t n_arrival_ = 0;
};

}  // namespace krait::engine
