// SPDX-License-Identifier: Apache-2.0
//
// What happens at the end of a scope, however it is left.
#pragma once

#include <utility>

namespace krait {

template <class F>
class AtEnd {
  public:
    explicit AtEnd(F what) : what_(std::move(what)) {}
    ~AtEnd() { what_(); }
    AtEnd(const AtEnd&) = delete;
    AtEnd& operator=(const AtEnd&) = delete;

  private:
    F what_;
};

}  // namespace krait
