// SPDX-License-Identifier: Apache-2.0
//
// ModelSource::get: from what is stored to the type that the caller wants. Integers go from any integer type to any
// other that holds the value, floats between the two widths; nothing else is converted.
#include <cmath>
#include <limits>
#include <type_traits>
#include <utility>

#include "formats/gguf/gguf_value.hpp"
#include "formats/model_source.hpp"

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

// A number of any type that a file stores, so that what the file has and what the caller wants meet here, and not in a function
// for each pair of types.
enum class NumberKind { none, integer, real, boolean };

struct Number {
    NumberKind kind = NumberKind::none;
    bool is_negative = false;
    uint64_t magnitude = 0;  // of an integer; of a bool 0 or 1
    double real = 0;
};

struct NumberOf {
    template <class Stored>
    Number operator()(const Stored& stored) const {
        if constexpr (std::is_same_v<Stored, bool>) return {NumberKind::boolean, false, stored, 0};
        else if constexpr (std::is_integral_v<Stored>)
            return {NumberKind::integer, stored < 0,
                    stored < 0 ? -static_cast<uint64_t>(stored) : static_cast<uint64_t>(stored), 0};
        else if constexpr (std::is_floating_point_v<Stored>) return {NumberKind::real, false, 0, static_cast<double>(stored)};
        else return {};
    }
};

Number number_of(const GgufValue& value) { return std::visit(NumberOf{}, value); }

GgufValue element_of(const GgufArray& array, size_t index) {
    return std::visit(
        [index](const auto& elements) -> GgufValue {
            if constexpr (std::is_same_v<std::decay_t<decltype(elements)>, std::monostate>) return {};
            else return typename std::decay_t<decltype(elements)>::value_type(elements[index]);
        },
        array);
}

// By the type alone, so that an empty array of the wrong type is wrong as well.
NumberKind kind_of_elements(const GgufArray& array) {
    switch (gguf_type(array)) {
        case GgufType::boolean: return NumberKind::boolean;
        case GgufType::float32:
        case GgufType::float64: return NumberKind::real;
        case GgufType::string:
        case GgufType::array: return NumberKind::none;
        default: return NumberKind::integer;
    }
}

template <class T>
constexpr NumberKind kKind = std::is_same_v<T, bool>       ? NumberKind::boolean
                             : std::is_integral_v<T>       ? NumberKind::integer
                             : std::is_floating_point_v<T> ? NumberKind::real
                                                           : NumberKind::none;

// False where the number, which is of T's kind, is out of T's range. Infinities and NaN pass; a finite double beyond float's
// range does not.
template <class T>
bool narrow(const Number& number, T& out) {
    if constexpr (std::is_floating_point_v<T>) {
        if (std::isfinite(number.real) && std::fabs(number.real) > static_cast<double>(std::numeric_limits<T>::max()))
            return false;
        out = static_cast<T>(number.real);
    } else if (number.is_negative) {
        if constexpr (std::is_signed_v<T>) {
            // The lowest value's magnitude is one more than the largest value's.
            if (number.magnitude > static_cast<uint64_t>(std::numeric_limits<T>::max()) + 1) return false;
            out = static_cast<T>(-number.magnitude);
        } else {
            return false;
        }
    } else {
        if (number.magnitude > static_cast<uint64_t>(std::numeric_limits<T>::max())) return false;
        out = static_cast<T>(number.magnitude);
    }
    return true;
}

enum class Conversion { done, wrong_type, out_of_range };

// offender: what is out of range.
template <class T>
Conversion convert(const GgufValue& stored, T& out, std::string& offender) {
    const auto* array = std::get_if<GgufArray>(&stored);
    if constexpr (std::is_same_v<T, std::string_view>) {
        const auto* text = std::get_if<std::string>(&stored);
        if (!text) return Conversion::wrong_type;
        out = *text;
    } else if constexpr (std::is_same_v<T, std::span<const std::string>>) {
        const auto* texts = array ? std::get_if<std::vector<std::string>>(array) : nullptr;
        if (!texts) return Conversion::wrong_type;
        out = *texts;
    } else if constexpr (is_vector<T>) {
        using Element = typename T::value_type;
        if (!array || kind_of_elements(*array) != kKind<Element>) return Conversion::wrong_type;
        const size_t size = gguf_array_size(*array);
        out.reserve(size);
        for (size_t i = 0; i < size; ++i) {
            const GgufValue value = element_of(*array, i);
            Element element{};
            if (!narrow(number_of(value), element)) {
                offender = fmt::format("element {} is {}", i, to_string(value));
                return Conversion::out_of_range;
            }
            out.push_back(element);
        }
    } else {
        const Number number = number_of(stored);
        if (number.kind != kKind<T>) return Conversion::wrong_type;
        if (!narrow(number, out)) {
            offender = fmt::format("the value is {}", to_string(stored));
            return Conversion::out_of_range;
        }
    }
    return Conversion::done;
}

}  // namespace

template <class T>
Result<std::optional<T>> ModelSource::get_optional(std::string_view key) const {
    const GgufMetadata* entry = find(key);
    if (!entry) return std::optional<T>();

    T result{};
    std::string offender;
    switch (convert(entry->value, result, offender)) {
        case Conversion::done: return std::optional<T>(std::move(result));
        case Conversion::wrong_type:
            return fail(ErrorCode::corrupt_file, "{}: metadata {} at byte {} is {}; {} is expected", name(), quote_name(key),
                        entry->offset, description(entry->value), expectation<T>());
        case Conversion::out_of_range: break;
    }
    using Element = std::conditional_t<is_vector<T>, typename VectorElement<T>::type, T>;
    if constexpr (std::is_arithmetic_v<Element>)
        return fail(ErrorCode::corrupt_file, "{}: metadata {} at byte {}: {}; {} to {} are possible here", name(),
                    quote_name(key), entry->offset, offender, std::numeric_limits<Element>::lowest(),
                    std::numeric_limits<Element>::max());
    else return fail(ErrorCode::internal, "{}: metadata {}: a conversion that has no range", name(), quote_name(key));
}

template <class T>
Result<T> ModelSource::get(std::string_view key) const {
    KRAIT_TRY(std::optional<T> value, get_optional<T>(key));
    if (!value)
        return fail(ErrorCode::corrupt_file, "{}: there is no metadata {}; {} is expected", name(), quote_name(key),
                    expectation<T>());
    return std::move(*value);
}

template <class T>
Result<T> ModelSource::get_or(std::string_view key, T fallback) const {
    KRAIT_TRY(std::optional<T> value, get_optional<T>(key));
    return value ? std::move(*value) : std::move(fallback);
}

#define KRAIT_SOURCE_GETTER(T)                                                         \
    template Result<T> ModelSource::get<T>(std::string_view key) const;                \
    template Result<T> ModelSource::get_or<T>(std::string_view key, T fallback) const; \
    template Result<std::optional<T>> ModelSource::get_optional<T>(std::string_view key) const;
#define KRAIT_SOURCE_NUMBER(T) KRAIT_SOURCE_GETTER(T) KRAIT_SOURCE_GETTER(std::vector<T>)
KRAIT_SOURCE_NUMBER(int8_t)
KRAIT_SOURCE_NUMBER(uint8_t)
KRAIT_SOURCE_NUMBER(int16_t)
KRAIT_SOURCE_NUMBER(uint16_t)
KRAIT_SOURCE_NUMBER(int32_t)
KRAIT_SOURCE_NUMBER(uint32_t)
KRAIT_SOURCE_NUMBER(int64_t)
KRAIT_SOURCE_NUMBER(uint64_t)
KRAIT_SOURCE_NUMBER(float)
KRAIT_SOURCE_NUMBER(double)
KRAIT_SOURCE_NUMBER(bool)
KRAIT_SOURCE_GETTER(std::string_view)
KRAIT_SOURCE_GETTER(std::span<const std::string>)

}  // namespace krait
