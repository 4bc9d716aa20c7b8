// SPDX-License-Identifier: Apache-2.0
//
// A value or the reason why there is none, and how calls of the C API become one.
#pragma once

#if !defined(_MSVC_LANG) && __cplusplus < 202002L
#error "krait.hpp needs C++20 (-std=c++20); krait.h is C11"
#endif

#include <krait/base.h>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace krait::api {

struct Failure {
    krait_code code = KRAIT_OK;
    std::string message;
};

// A value, or why there is none.
template <class T>
class [[nodiscard]] Result {
  public:
    Result(T value) : value_(std::move(value)) {}
    Result(Failure failure) : failure_(std::move(failure)) {}
    explicit operator bool() const { return value_.has_value(); }
    T& operator*() & { return *value_; }
    const T& operator*() const& { return *value_; }
    T&& operator*() && { return std::move(*value_); }
    T* operator->() { return &*value_; }
    const T* operator->() const { return &*value_; }
    const Failure& failure() const { return failure_; }

  private:
    std::optional<T> value_;
    Failure failure_;
};

struct Done {};
using Status = Result<Done>;

namespace detail {

// call([&](krait_failure* f) { return krait_session_reset(session, 0, f); }, [&] { return Done{}; })
template <class Function, class Value>
auto call(Function&& function, Value&& value) -> Result<decltype(value())> {
    krait_failure failure{};
    const krait_code code = function(&failure);
    if (code != KRAIT_OK) return Failure{code, failure.message};
    return value();
}

// Asks for the size, then for the elements: fill(elements, capacity, &size, failure).
template <class Array, class Fill>
Result<Array> array(Fill&& fill) {
    size_t size = 0;
    Array elements;
    auto count = call([&](krait_failure* f) { return fill(nullptr, size_t{0}, &size, f); }, [] { return Done{}; });
    if (!count) return count.failure();
    elements.resize(size);
    if (size == 0) return elements;
    return call([&](krait_failure* f) { return fill(elements.data(), elements.size(), &size, f); },
                [&] { return std::move(elements); });
}

template <class T, void (*Free)(T*)>
struct Deleter {
    void operator()(T* handle) const { Free(handle); }
};
template <class T, void (*Free)(T*)>
using Owner = std::unique_ptr<T, Deleter<T, Free>>;

// A callable (done, total) that answers whether to go on, as krait_progress with user = &callable.
template <class Callable>
int progress_of(void* user, uint64_t done, uint64_t total) {
    return (*static_cast<Callable*>(user))(done, total) ? 0 : 1;
}

}  // namespace detail

// "0.2.0": of the library.
inline std::string_view version() { return krait_version(); }

// Messages of plugins go to log(severity, message), which must outlive its use; see krait_log_set.
template <class Log>
Status set_log(Log& log) {
    const auto call = [](void* user, krait_severity severity, const char* message) {
        (*static_cast<Log*>(user))(severity, message);
    };
    return detail::call([&](krait_failure* f) { return krait_log_set(call, &log, f); }, [] { return Done{}; });
}
inline Status drop_log() {
    return detail::call([](krait_failure* f) { return krait_log_set(nullptr, nullptr, f); }, [] { return Done{}; });
}

}  // namespace krait::api
