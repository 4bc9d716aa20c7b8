// SPDX-License-Identifier: Apache-2.0
#include "formats/torch/torch_state_dict.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "core/base/printable.hpp"

namespace krait {
namespace {

constexpr size_t kMaxNameBytes = 65535;  // as in GGUF, which such names end in

using Dict = std::vector<std::pair<PickleValue, PickleValue>>;

bool has_tensors(const Dict& dict) {
    return std::ranges::any_of(dict, [](const auto& entry) { return entry.second.kind == PickleKind::tensor; });
}

// The elements of a tensor, against the storage that they are a view of.
struct View {
    std::span<const int64_t> extents, strides;

    // In the order of the extents without holes; strides of extents of 1 do not count.
    [[nodiscard]] bool is_row_major() const {
        int64_t dense = 1;
        for (size_t i = extents.size(); i-- > 0; dense *= extents[i])
            if (extents[i] != 1 && strides[i] != dense) return false;
        return true;
    }
    // How far the last element is behind the first one; none where 64 bits do not hold it. No extent is 0, no stride negative.
    [[nodiscard]] std::optional<uint64_t> reach() const {
        uint64_t reach = 0;
        bool overflows = false;
        for (size_t i = 0; i < extents.size(); ++i) {
            uint64_t step = 0;
            overflows |=
                __builtin_mul_overflow(static_cast<uint64_t>(extents[i] - 1), static_cast<uint64_t>(strides[i]), &step);
            overflows |= __builtin_add_overflow(reach, step, &reach);
        }
        if (overflows) return std::nullopt;
        return reach;
    }
    // Every element has a place of its own, by the rule that each stride is longer than all that the denser ones reach. Where
    // the reach of all of them fits 64 bits.
    [[nodiscard]] bool has_no_overlap() const {
        std::vector<size_t> order;
        for (size_t i = 0; i < extents.size(); ++i)
            if (extents[i] != 1) order.push_back(i);
        std::ranges::sort(order, {}, [&](size_t i) { return strides[i]; });
        int64_t reach = 0;
        for (const size_t i : order) {
            if (strides[i] <= reach) return false;
            reach += (extents[i] - 1) * strides[i];
        }
        return true;
    }
};

class StateDictReader {
  public:
    StateDictReader(const Pickle& pickle, const DataFile& file, std::span<const ZipEntry> entries, std::string_view root)
        : pickle_(pickle), file_(file), root_(root) {
        for (const ZipEntry& entry : entries) entries_.emplace(entry.name, &entry);
    }

    Result<std::vector<CheckpointTensor>> read();

  private:
    template <class... Args>
    [[nodiscard]] tl::unexpected<Error> error(fmt::format_string<Args...> text, Args&&... args) const {
        return fail(ErrorCode::corrupt_file, "{}: {}: {}", file_.name(), part_, fmt::format(text, std::forward<Args>(args)...));
    }

    [[nodiscard]] const Dict& dict_of(const PickleValue& value) const {
        return pickle_.dicts[static_cast<size_t>(value.number)];
    }
    Result<const Dict*> find_dict();
    Result<void> read_entry(const PickleValue& key, const PickleValue& value);
    Result<CheckpointTensor> read_tensor(std::string_view name, const PickleValue& key, const PickleTensor& described);
    Result<const ZipEntry*> find_storage(const PickleStorage& storage, uint64_t at);
    Result<void> place(CheckpointTensor& tensor, const PickleTensor& described);

    const Pickle& pickle_;
    const DataFile& file_;
    std::string_view root_;
    std::string part_ = "state dict";
    std::unordered_map<std::string_view, const ZipEntry*> entries_;
    std::unordered_set<std::string_view> names_;
    std::vector<CheckpointTensor> tensors_;
};

Result<std::vector<CheckpointTensor>> StateDictReader::read() {
    KRAIT_TRY(const Dict* const dict, find_dict());
    for (const auto& [key, value] : *dict) KRAIT_CHECK(read_entry(key, value));
    std::ranges::stable_sort(tensors_, {}, &CheckpointTensor::file_offset);
    return std::move(tensors_);
}

// The dict at the root, or the one in it that trainers put it into.
Result<const Dict*> StateDictReader::find_dict() {
    const PickleValue& root = pickle_.root;
    if (root.kind == PickleKind::dict) {
        const Dict& dict = dict_of(root);
        if (has_tensors(dict)) return &dict;
        for (const std::string_view wrapper : {"state_dict", "model"})
            for (const auto& [key, value] : dict)
                if (key.kind == PickleKind::text && key.text == wrapper && value.kind == PickleKind::dict &&
                    has_tensors(dict_of(value)))
                    return &dict_of(value);
    }
    return fail(ErrorCode::unsupported,
                "{}: {}: the pickle holds {} at byte {}, where a dict of names and tensors is expected, by itself or as "
                "\"state_dict\" or \"model\" in a dict. Save the tensors with torch.save(model.state_dict(), FILE)",
                file_.name(), part_, pickle_kind_name(root.kind), root.at);
}

Result<void> StateDictReader::read_entry(const PickleValue& key, const PickleValue& value) {
    part_ = "state dict";
    const bool is_plain =
        value.kind == PickleKind::plain || value.kind == PickleKind::integer || value.kind == PickleKind::text;
    if (is_plain) return {};
    if (key.kind != PickleKind::text) return error("an entry at byte {} has {} for a name", key.at, pickle_kind_name(key.kind));
    if (value.kind != PickleKind::tensor)
        return fail(ErrorCode::unsupported,
                    "{}: {}: the entry {} at byte {} is {}; a state dict has tensors, numbers and texts", file_.name(), part_,
                    quote(key.text), key.at, pickle_kind_name(value.kind));
    part_ = "tensor " + quote(key.text);
    if (key.text.empty() || key.text.size() > kMaxNameBytes || key.text.find('\0') != std::string_view::npos)
        return error("the name at byte {} has {} bytes; 1 to {} without NUL are possible", key.at, key.text.size(),
                     kMaxNameBytes);
    if (!names_.insert(key.text).second) return error("the name at byte {} comes a second time", key.at);
    KRAIT_TRY(CheckpointTensor tensor, read_tensor(key.text, key, pickle_.tensors[static_cast<size_t>(value.number)]));
    tensors_.push_back(std::move(tensor));
    return {};
}

Result<CheckpointTensor> StateDictReader::read_tensor(std::string_view name, const PickleValue& key,
                                                      const PickleTensor& described) {
    const PickleStorage& storage = pickle_.storages[described.storage];
    CheckpointTensor tensor{
        .name = std::string(name), .type = storage.type, .extents = described.extents, .record_offset = key.at};
    for (size_t i = 0; i < tensor.extents.size(); ++i)
        if (tensor.extents[i] < 0 || described.strides[i] < 0)
            return error("its extent {} is {} with the stride {}; none may be negative (described at byte {})", i,
                         tensor.extents[i], described.strides[i], key.at);
    const auto size = checkpoint_size(tensor.type, tensor.extents);
    if (!size) return error("its shape has more elements than any file could hold (described at byte {})", key.at);
    tensor.size = size->bits / 8;
    KRAIT_TRY(const ZipEntry* const entry, find_storage(storage, key.at));
    tensor.file_offset = entry->data_offset;
    KRAIT_CHECK(place(tensor, described));
    if (!file_.is_read() && tensor.strides.empty()) tensor.bytes = file_.bytes().subspan(tensor.file_offset, tensor.size);
    return tensor;
}

Result<const ZipEntry*> StateDictReader::find_storage(const PickleStorage& storage, uint64_t at) {
    const std::string name = fmt::format("{}/data/{}", root_, storage.key);
    const auto found = entries_.find(name);
    if (found == entries_.end())
        return error("the archive has no entry {}, where its data should be (described at byte {})", quote(name), at);
    const ZipEntry& entry = *found->second;
    const uint64_t element_bytes = checkpoint_type_bits(storage.type) / 8;
    if (entry.size % element_bytes != 0 || entry.size / element_bytes != static_cast<uint64_t>(storage.n_element))
        return error("its storage has {} elements of {} bytes (described at byte {}), and the entry {} has {} bytes at byte {}",
                     storage.n_element, element_bytes, at, quote(name), entry.size, entry.data_offset);
    return &entry;
}

// tensor.file_offset is where the storage begins.
Result<void> StateDictReader::place(CheckpointTensor& tensor, const PickleTensor& described) {
    const View view{described.extents, described.strides};
    const auto n_element = static_cast<uint64_t>(pickle_.storages[described.storage].n_element);
    const auto outside = [&] {
        return error(
            "it begins at element {} of its storage with the extents [{}] and strides [{}], and the storage has {} elements "
            "(described at byte {})",
            described.offset, fmt::join(view.extents, ", "), fmt::join(view.strides, ", "), n_element, tensor.record_offset);
    };
    if (described.offset < 0 || static_cast<uint64_t>(described.offset) > n_element) return outside();
    const auto begin = static_cast<uint64_t>(described.offset);
    tensor.file_offset += begin * (checkpoint_type_bits(tensor.type) / 8);
    if (tensor.size == 0) return {};
    const auto reach = view.reach();
    if (!reach || *reach >= n_element - begin) return outside();
    if (view.is_row_major()) return {};
    if (!view.has_no_overlap())
        return fail(
            ErrorCode::unsupported,
            "{}: {}: its strides [{}] let elements of [{}] share places (described at byte {}), which is not read. Save "
            "it again as tensor.contiguous()",
            file_.name(), part_, fmt::join(view.strides, ", "), fmt::join(view.extents, ", "), tensor.record_offset);
    tensor.strides = described.strides;
    return {};
}

}  // namespace

Result<std::vector<CheckpointTensor>> read_state_dict(const Pickle& pickle, const DataFile& file,
                                                      std::span<const ZipEntry> entries, std::string_view root) {
    return StateDictReader(pickle, file, entries, root).read();
}

}  // namespace krait
