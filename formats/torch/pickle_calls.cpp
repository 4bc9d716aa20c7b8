// SPDX-License-Identifier: Apache-2.0
//
// The functions that a pickle names, and their results: nothing that is called here is more than a record of its arguments.
#include <iterator>

#include "core/base/printable.hpp"
#include "formats/torch/pickle_globals.hpp"
#include "formats/torch/pickle_machine.hpp"

namespace krait {

Result<void> PickleMachine::push_global() {
    KRAIT_TRY(const std::string_view module, take_line("the name of a module"));
    KRAIT_TRY(const std::string_view name, take_line("a name"));
    for (const PickleGlobal& global : kPickleGlobals)
        if (global.module == module && global.name == name)
            return global.kind == PickleGlobalKind::dtype ? push(PickleKind::plain)
                                                          : push(PickleKind::global, &global - std::begin(kPickleGlobals));
    return refuse("the pickle asks for {}.{} at byte {}; no code is ever run", printable(module), printable(name), position());
}

// ("storage", its type, its key, its device, its number of elements)
Result<void> PickleMachine::push_storage() {
    KRAIT_TRY(const PickleValue id, pop());
    const auto wrong = [&] {
        return error("the storage at byte {} is not described as ('storage', type, key, device, size)", position());
    };
    if (id.kind != PickleKind::tuple || tuple_of(id).size() != 5) return wrong();
    const std::vector<PickleValue>& items = tuple_of(id);
    const auto is_text = [](const PickleValue& value) { return value.kind == PickleKind::text; };
    if (!is_text(items[0]) || items[0].text != "storage" || !is_text(items[2]) || !is_text(items[3])) return wrong();
    if (items[1].kind != PickleKind::global || kPickleGlobals[items[1].number].kind != PickleGlobalKind::storage)
        return wrong();
    if (items[4].kind != PickleKind::integer || items[4].number < 0) return wrong();
    out_.storages.push_back({.type = kPickleGlobals[items[1].number].type, .key = items[2].text, .n_element = items[4].number});
    return push(PickleKind::storage, static_cast<int64_t>(out_.storages.size() - 1));
}

Result<void> PickleMachine::call() {
    KRAIT_TRY(const PickleValue tuple, pop());
    KRAIT_TRY(const PickleValue function, pop());
    if (tuple.kind != PickleKind::tuple || function.kind != PickleKind::global)
        return error("the instruction at byte {} calls {} with {}", position(), pickle_kind_name(function.kind),
                     pickle_kind_name(tuple.kind));
    const PickleGlobal& global = kPickleGlobals[function.number];
    const std::vector<PickleValue>& arguments = tuple_of(tuple);
    if (global.kind == PickleGlobalKind::ordered_dict && arguments.empty()) {
        out_.dicts.emplace_back();
        return push(PickleKind::dict, static_cast<int64_t>(out_.dicts.size() - 1));
    }
    if (global.kind == PickleGlobalKind::rebuild_tensor) return call_rebuild_tensor(arguments);
    // (the tensor, whether it requires a gradient, hooks)
    if (global.kind == PickleGlobalKind::rebuild_parameter && arguments.size() == 3 && arguments[0].kind == PickleKind::tensor)
        return push(arguments[0]);
    return error("{}.{} is not called in the way that is known, with {} arguments, at byte {}", global.module, global.name,
                 arguments.size(), position());
}

// (the storage, the first element, extents, strides, whether it requires a gradient, hooks[, further properties])
Result<void> PickleMachine::call_rebuild_tensor(std::span<const PickleValue> arguments) {
    if (arguments.size() < 6 || arguments.size() > 7 || arguments[0].kind != PickleKind::storage ||
        arguments[1].kind != PickleKind::integer || arguments[5].kind != PickleKind::dict)
        return error("the tensor at byte {} is not described as (storage, offset, extents, strides, gradient, hooks)",
                     position());
    if (arguments.size() == 7 &&
        (arguments[6].kind != PickleKind::dict || !out_.dicts[static_cast<size_t>(arguments[6].number)].empty()))
        return refuse("the tensor at byte {} has properties beyond its extents and strides", position());
    PickleTensor tensor{.storage = static_cast<size_t>(arguments[0].number), .offset = arguments[1].number};
    KRAIT_TRY(tensor.extents, numbers(arguments[2], "extents"));
    KRAIT_TRY(tensor.strides, numbers(arguments[3], "strides"));
    if (tensor.extents.size() != tensor.strides.size())
        return error("the tensor at byte {} has {} extents and {} strides", position(), tensor.extents.size(),
                     tensor.strides.size());
    out_.tensors.push_back(std::move(tensor));
    return push(PickleKind::tensor, static_cast<int64_t>(out_.tensors.size() - 1));
}

Result<std::vector<int64_t>> PickleMachine::numbers(const PickleValue& tuple, std::string_view what) const {
    std::vector<int64_t> list;
    if (tuple.kind != PickleKind::tuple || tuple_of(tuple).size() > kCheckpointMaxRank)
        return error("the {} of the tensor at byte {} are no tuple of at most {} numbers", what, position(),
                     kCheckpointMaxRank);
    for (const PickleValue& item : tuple_of(tuple)) {
        if (item.kind != PickleKind::integer)
            return error("the {} of the tensor at byte {} hold {}", what, position(), pickle_kind_name(item.kind));
        list.push_back(item.number);
    }
    return list;
}

}  // namespace krait
