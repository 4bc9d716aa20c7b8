// SPDX-License-Identifier: Apache-2.0
#include "engine/request.hpp"

#include "engine/request_state.hpp"

namespace krait::engine {

Request& Request::operator=(Request&& other) noexcept {
    if (this != &other) {
        if (state_) state_->disconnect();
        state_ = std::move(other.state_);
    }
    return *this;
}

Request::~Request() {
    if (state_) state_->disconnect();
}

std::optional<Event> Request::next(std::optional<Clock::duration> timeout) {
    return state_ ? state_->next(timeout) : std::nullopt;
}
bool Request::is_finished() const { return !state_ || state_->is_finished(); }
void Request::cancel() {
    if (state_) state_->set_control(Control::cancel);
}
void Request::pause(bool spill) {
    if (state_) state_->set_control(spill ? Control::spill : Control::pause);
}
void Request::go_on() {
    if (state_) state_->set_control(Control::run);
}
RequestStats Request::stats() const { return state_ ? state_->stats() : RequestStats{}; }

}  // namespace krait::engine
