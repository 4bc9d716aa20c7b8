// SPDX-License-Identifier: Apache-2.0
//
// What the functions behind include/krait/krait.h share: handles, and the turn from Result and exceptions to krait_code.
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>

#include "krait/krait.h"
#include "models/model.hpp"

static_assert(static_cast<int>(krait::ErrorCode::internal) == KRAIT_INTERNAL &&
                  static_cast<int>(krait::ErrorCode::io) == KRAIT_IO,
              "krait_code and ErrorCode number the same errors");

struct krait_model {
    std::shared_ptr<const krait::Model> model;
};

namespace krait::capi {

template <size_t N>
void set_text(char (&field)[N], std::string_view text) {
    const size_t size = std::min(text.size(), N - 1);
    std::memcpy(field, text.data(), size);
    field[size] = '\0';
}

inline krait_code refuse(krait_failure* failure, const Error& error) {
    if (failure) {
        failure->code = static_cast<int32_t>(error.code);
        set_text(failure->message, error.message);
    }
    return static_cast<krait_code>(error.code);
}

// Runs the body of an API function: a Result<void> becomes a code, and nothing is thrown out of the library.
template <class Body>
krait_code guarded(krait_failure* failure, Body&& body) noexcept {
    try {
        const Result<void> done = body();
        if (!done) return refuse(failure, done.error());
    } catch (const std::bad_alloc&) {
        return refuse(failure, {ErrorCode::out_of_memory, "out of memory"});
    } catch (const std::exception& exception) {
        return refuse(failure, {ErrorCode::internal, exception.what()});
    }
    if (failure) {
        failure->code = KRAIT_OK;
        failure->message[0] = '\0';
    }
    return KRAIT_OK;
}

inline Result<void> expect_given(const void* pointer, const char* name) {
    if (pointer) return {};
    return fail(ErrorCode::invalid_argument, "{} is NULL", name);
}

// The caller's options, with defaults for fields that its version does not have.
template <class Options>
Result<Options> complete(const Options* given, Options defaults) {
    if (!given) return defaults;
    if (given->struct_size < sizeof(size_t) || given->struct_size > sizeof(Options))
        return fail(ErrorCode::invalid_argument, "struct_size is {}; start from the _INIT macro, which sets it to {}",
                    given->struct_size, sizeof(Options));
    std::memcpy(static_cast<void*>(&defaults), given, given->struct_size);
    return defaults;
}

// Copies a result into the caller's array, as krait_model_tokenize describes.
template <class T>
Result<void> give(std::span<const T> result, T* out, size_t capacity, size_t* count) {
    *count = result.size();
    if (!out && capacity == 0) return {};
    KRAIT_CHECK(expect_given(out, "the array for the result"));
    if (result.size() > capacity)
        return fail(ErrorCode::invalid_argument, "the result has {} elements, the array {}", result.size(), capacity);
    std::copy(result.begin(), result.end(), out);
    return {};
}

}  // namespace krait::capi
