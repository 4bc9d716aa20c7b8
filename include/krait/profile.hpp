// SPDX-License-Identifier: Apache-2.0
//
// Profiles of sessions (profile.h).
//   auto profile = Profile::create(model);
//   krait_session_options options = KRAIT_SESSION_OPTIONS_INIT;
//   options.profile = profile->get();
#pragma once

#include <krait/profile.h>
#include <krait/model.hpp>

namespace krait::api {

// Texts that are views, and those in entries and events, are valid until a session records into the profile again.
class Profile {
  public:
    // max_events: number of events that are kept.
    static Result<Profile> create(const Model& model, uint64_t max_events = 0) {
        krait_profile_options options = KRAIT_PROFILE_OPTIONS_INIT;
        options.max_events = max_events;
        krait_profile* handle = nullptr;
        return detail::call([&](krait_failure* f) { return krait_profile_create(model.get(), &options, &handle, f); },
                            [&] { return Profile(handle); });
    }
    void pause(bool is_paused) { krait_profile_pause(get(), is_paused ? 1 : 0); }
    std::vector<std::string> devices() const {
        std::vector<std::string> all;
        while (const char* name = krait_profile_device(get(), all.size())) all.emplace_back(name);
        return all;
    }
    krait_phase_sums phase(krait_phase phase) const {
        krait_phase_sums sums = KRAIT_PHASE_SUMS_INIT;
        krait_profile_phase(get(), phase, &sums, nullptr);
        return sums;
    }
    std::vector<krait_profile_entry> entries(krait_phase phase, krait_profile_group group) const {
        std::vector<krait_profile_entry> all(krait_profile_entry_count(get(), phase, group));
        for (size_t i = 0; i < all.size(); ++i) {
            all[i] = KRAIT_PROFILE_ENTRY_INIT;
            krait_profile_entry_at(get(), phase, group, i, &all[i], nullptr);
        }
        return all;
    }
    size_t event_count() const { return krait_profile_event_count(get()); }
    uint64_t dropped_count() const { return krait_profile_dropped_count(get()); }
    // index: less than event_count().
    krait_profile_event event(size_t index) const {
        krait_profile_event event = KRAIT_PROFILE_EVENT_INIT;
        krait_profile_event_at(get(), index, &event, nullptr);
        return event;
    }
    krait_profile* get() const { return handle_.get(); }

  private:
    explicit Profile(krait_profile* handle) : handle_(handle) {}
    detail::Owner<krait_profile, krait_profile_free> handle_;
};

}  // namespace krait::api
