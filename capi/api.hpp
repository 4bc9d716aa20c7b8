// SPDX-License-Identifier: Apache-2.0
//
// Parts that the functions behind include/krait/krait.h share: handles, and the turn from Result and exceptions to krait_code.
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <vector>

#include "krait/krait.h"
#include "models/loading/gguf_tokenizer.hpp"
#include "models/model.hpp"
#include "text/grammar/token_index.hpp"

static_assert(static_cast<int>(krait::ErrorCode::internal) == KRAIT_INTERNAL &&
                  static_cast<int>(krait::ErrorCode::io) == KRAIT_IO,
              "krait_code and ErrorCode number the same errors");

// The contents of a source that was opened without weights.
struct FileContents {
    std::unique_ptr<krait::ModelSource> source;
    krait::GgufVocabulary vocabulary;
    krait::Result<krait::Architecture> architecture;  // the error says why Krait cannot run the model
};

// The tokens of a model as grammars need them; made for the first state of a grammar.
struct GrammarTokens {
    std::mutex mutex;
    std::shared_ptr<const krait::grammar::TokenIndex> index;
};

struct krait_model {
    std::shared_ptr<const krait::Model> loaded;  // null: without weights, and then `contents` is there
    std::unique_ptr<const FileContents> contents;
    std::string device, hardware;  // of a loaded one, as its getters hand them out
    mutable GrammarTokens tokens = {};

    const krait::ModelSource& source() const { return loaded ? loaded->source() : *contents->source; }
    const krait::Architecture* architecture() const {  // nullptr: Krait cannot run it
        if (loaded) return &loaded->architecture();
        return contents->architecture ? &*contents->architecture : nullptr;
    }
    krait::Result<const krait::Tokenizer*> tokenizer() const {
        if (loaded) return loaded->tokenizer();
        if (!contents->vocabulary.tokenizer) return tl::unexpected<krait::Error>(contents->vocabulary.tokenizer.error());
        return &*contents->vocabulary.tokenizer;
    }
    std::span<const int32_t> ends() const { return loaded ? loaded->ends() : std::span(contents->vocabulary.ends); }
    const std::vector<std::string>& warnings() const { return loaded ? loaded->warnings() : contents->vocabulary.warnings; }
};

namespace krait::capi {

template <size_t N>
void set_text(char (&field)[N], std::string_view text) {
    size_t size = std::min(text.size(), N - 1);
    const auto continues = [&](size_t at) { return (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80; };
    while (size < text.size() && size > 0 && continues(size)) --size;  // no part of a character
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
    } catch (...) {  // of a callback of the application
        return refuse(failure, {ErrorCode::internal, "an exception of an unknown type"});
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

// Where a function needs the model's weights.
inline Result<const Model*> expect_loaded(const krait_model* model) {
    KRAIT_CHECK(expect_given(model, "model"));
    if (model->loaded) return model->loaded.get();
    return fail(ErrorCode::unsupported, "{} was loaded without weights (no_weights)", model->source().name());
}

// An enum of the caller's as a number, whatever it wrote there: as the enum itself it could not be looked at.
template <class Enum>
uint32_t number_of(const Enum& given) {
    uint32_t value = 0;
    static_assert(sizeof value == sizeof given);
    std::memcpy(&value, &given, sizeof value);
    return value;
}

// The size of the caller's version of a struct: no larger than the library's own, and one that a struct of these fields can
// have, so that none is cut.
template <class Struct>
Result<void> check_size(size_t struct_size, const char* name) {
    if (struct_size >= sizeof(size_t) && struct_size <= sizeof(Struct) && struct_size % alignof(Struct) == 0) return {};
    return fail(ErrorCode::invalid_argument, "{}struct_size is {}; start from the _INIT macro, which sets it to {}", name,
                struct_size, sizeof(Struct));
}

// The caller's options, with defaults for fields that its version does not have.
template <class Options>
Result<Options> complete(const Options* given, Options defaults) {
    if (!given) return defaults;
    KRAIT_CHECK(check_size<Options>(given->struct_size, ""));
    std::memcpy(static_cast<void*>(&defaults), given, given->struct_size);
    return defaults;
}

// A result into the caller's struct: the fields that its version has.
template <class Struct>
Result<void> fill(Struct* out, Struct result) {
    KRAIT_CHECK(expect_given(out, "out"));
    KRAIT_CHECK(check_size<Struct>(out->struct_size, "out."));
    result.struct_size = out->struct_size;
    std::memcpy(static_cast<void*>(out), &result, out->struct_size);
    return {};
}

// Copies a result into the caller's array, as krait.h says of arrays.
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
