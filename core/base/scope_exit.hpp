// SPDX-License-Identifier: Apache-2.0
//
// A function that runs at the end of a scope, however it is left.
#pragma once

#include <utility>

namespace krait {

template <class F>
class ScopeExit {
  public:
    explicit ScopeExit(F what) : what_(std::move(what)) {}
    ~ScopeExit() { what_(); }
    ScopeExit(const ScopeExit&) = delete;
    ScopeExit& operator=(const ScopeExit&) = delete;

  private:
    F what_;
};

}  // namespace krait
