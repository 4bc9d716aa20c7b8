// SPDX-License-Identifier: Apache-2.0
//
// GgufFile::get: from what the file stores to the type that the caller wants. Integers go from any integer type to any
// other that holds the value, floats between the two widths; nothing else is converted.
#include <cmath>
#include <limits>
#include <type_traits>
#include <utility>

#include "models/gguf/gguf_reader.hpp"

namespace krait {
namespace {

template <class T>
inline constexpr bool is_integer = std::is_integral_v<T> && !std::is_same_v<T, bool>;

template <class T>
struct VectorElement {
    using type = void;
};
template <class T>
struct VectorElement<std::vector<T>> {
    using type = T;
};
template <class T>
inline constexpr bool is_vector = !std::is_void_v<typename VectorElement<T>::type>;

template <class T>
std::string element_name() {
    if constexpr (std::is_same_v<T, bool>) return "bool";
    else if constexpr (is_integer<T>) return "integer";
    else return "float";
}

// "an integer from 0 to 255"
template <class T>
std::string expectation() {
    if constexpr (is_vector<T>) return fmt::format("an array of {}s", element_name<typename VectorElement<T>::type>());
    else if constexpr (std::is_same_v<T, std::span<const std::string>>) return "an array of strings";
    else if constexpr (std::is_same_v<T, std::string_view>) return "a string";
    else if constexpr (is_integer<T>) return "an integer";
    else return fmt::format("a {}", element_name<T>());
}

std::string description(const GgufValue& value) {
    if (const auto* array = std::get_if<GgufArray>(&value))
        return fmt::format("an array of {} {}s", gguf_array_size(*array), gguf_type_name(gguf_type(*array)));
    const std::string_view name = gguf_type_name(gguf_type(value));
    return fmt::format("{} {}", name.starts_with('i') ? "an" : "a", name);
}

enum class Conversion { done, wrong_type, out_of_range };

template <class T, class Stored>
Conversion convert_scalar(const Stored& stored, T& out) {
    if constexpr (std::is_same_v<T, Stored>) {
        out = stored;
        return Conversion::done;
    } else if constexpr (is_integer<T> && is_integer<Stored>) {
        if (!std::in_range<T>(stored)) return Conversion::out_of_range;
        out = static_cast<T>(stored);
        return Conversion::done;
    } else if constexpr (std::is_floating_point_v<T> && std::is_floating_point_v<Stored>) {
        // Infinities and NaN pass; a finite double beyond float's range does not.
        if (std::isfinite(stored) &&
            std::fabs(static_cast<double>(stored)) > static_cast<double>(std::numeric_limits<T>::max()))
            return Conversion::out_of_range;
        out = static_cast<T>(stored);
        return Conversion::done;
    } else {
        return Conversion::wrong_type;
    }
}

// Element by element; offender tells which one is out of range.
template <class T, class Stored>
Conversion convert_array(const std::vector<Stored>& stored, std::vector<T>& out, std::string& offender) {
    T converted{};
    // Decided by the types alone, so that an empty array of the wrong type is wrong as well.
    if (convert_scalar(Stored{}, converted) == Conversion::wrong_type) return Conversion::wrong_type;
    out.reserve(stored.size());
    for (size_t i = 0; i < stored.size(); ++i) {
        const Stored element = stored[i];
        if (convert_scalar(element, converted) != Conversion::done) {
            offender = fmt::format("element {} is {}", i, to_string(GgufValue(element)));
            return Conversion::out_of_range;
        }
        out.push_back(converted);
    }
    return Conversion::done;
}

template <class T, class Stored>
Conversion convert(const Stored& stored, T& out, std::string& offender) {
    if constexpr (std::is_same_v<Stored, GgufArray>) {
        return std::visit([&](const auto& elements) { return convert(elements, out, offender); }, stored);
    } else if constexpr (std::is_same_v<Stored, std::vector<std::string>>) {
        if constexpr (std::is_same_v<T, std::span<const std::string>>) {
            out = stored;
            return Conversion::done;
        }
    } else if constexpr (std::is_same_v<Stored, std::string>) {
        if constexpr (std::is_same_v<T, std::string_view>) {
            out = stored;
            return Conversion::done;
        }
    } else if constexpr (is_vector<Stored>) {
        if constexpr (is_vector<T>) return convert_array(stored, out, offender);
    } else if constexpr (std::is_arithmetic_v<Stored> && std::is_arithmetic_v<T>) {
        const Conversion conversion = convert_scalar(stored, out);
        if (conversion == Conversion::out_of_range) offender = fmt::format("the value is {}", stored);
        return conversion;
    }
    return Conversion::wrong_type;
}

}  // namespace

template <class T>
Result<std::optional<T>> GgufFile::get_optional(std::string_view key) const {
    const GgufMetadata* entry = find(key);
    if (!entry) return std::optional<T>();

    T result{};
    std::string offender;
    const auto to_result = [&](const auto& stored) { return convert(stored, result, offender); };
    switch (std::visit(to_result, entry->value)) {
        case Conversion::done: return std::optional<T>(std::move(result));
        case Conversion::wrong_type:
            return fail(ErrorCode::corrupt_file, "{}: metadata {} at byte {} is {}; {} is expected", name_, quote_name(key),
                        entry->offset, description(entry->value), expectation<T>());
        case Conversion::out_of_range: break;
    }
    using Element = std::conditional_t<is_vector<T>, typename VectorElement<T>::type, T>;
    if constexpr (std::is_arithmetic_v<Element>)
        return fail(ErrorCode::corrupt_file, "{}: metadata {} at byte {}: {}; {} to {} are possible here", name_,
                    quote_name(key), entry->offset, offender, std::numeric_limits<Element>::lowest(),
                    std::numeric_limits<Element>::max());
    else return fail(ErrorCode::internal, "{}: metadata {}: a conversion that has no range", name_, quote_name(key));
}

template <class T>
Result<T> GgufFile::get(std::string_view key) const {
    KRAIT_TRY(std::optional<T> value, get_optional<T>(key));
    if (!value)
        return fail(ErrorCode::corrupt_file, "{}: there is no metadata {}; {} is expected", name_, quote_name(key),
                    expectation<T>());
    return std::move(*value);
}

#define KRAIT_GGUF_GETTER(T)                                         \
    template Result<T> GgufFile::get<T>(std::string_view key) const; \
    template Result<std::optional<T>> GgufFile::get_optional<T>(std::string_view key) const;
#define KRAIT_GGUF_NUMBER(T) KRAIT_GGUF_GETTER(T) KRAIT_GGUF_GETTER(std::vector<T>)
KRAIT_GGUF_NUMBER(int8_t)
KRAIT_GGUF_NUMBER(uint8_t)
KRAIT_GGUF_NUMBER(int16_t)
KRAIT_GGUF_NUMBER(uint16_t)
KRAIT_GGUF_NUMBER(int32_t)
KRAIT_GGUF_NUMBER(uint32_t)
KRAIT_GGUF_NUMBER(int64_t)
KRAIT_GGUF_NUMBER(uint64_t)
KRAIT_GGUF_NUMBER(float)
KRAIT_GGUF_NUMBER(double)
KRAIT_GGUF_NUMBER(bool)
KRAIT_GGUF_GETTER(std::string_view)
KRAIT_GGUF_GETTER(std::span<const std::string>)

}  // namespace krait
