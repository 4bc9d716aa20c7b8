// SPDX-License-Identifier: Apache-2.0
//
// Hostile pickles in good archives: no code is run, no count is believed, and every refusal has the byte.
#include <gtest/gtest.h>

#include "formats/torch/pickle_reader.hpp"
#include "tests/models/torch_bytes.hpp"

namespace krait {
namespace {

using test::p_dict, test::p_global, test::p_number, test::p_numbers, test::p_ordered_dict, test::p_storage, test::p_tensor,
    test::p_text, test::pickle_of;

constexpr const char* kData = "12345678";  // two floats

void expect_refused(const std::string& pickle, ErrorCode code, std::initializer_list<std::string> words) {
    const auto file = test::parse_torch(test::torch_archive(pickle, kData));
    ASSERT_FALSE(file) << *words.begin();
    EXPECT_EQ(file.error().code, code) << file.error().message;
    EXPECT_TRUE(file.error().message.starts_with("x.bin: ")) << file.error().message;
    EXPECT_NE(file.error().message.find(" byte "), std::string::npos) << file.error().message;
    for (const std::string& word : words)
        EXPECT_NE(file.error().message.find(word), std::string::npos) << word << "\n" << file.error().message;
}
void expect_corrupt(const std::string& pickle, std::initializer_list<std::string> words) {
    expect_refused(pickle, ErrorCode::corrupt_file, words);
}
void expect_unsupported(const std::string& pickle, std::initializer_list<std::string> words) {
    expect_refused(pickle, ErrorCode::unsupported, words);
}

std::string one_tensor(const std::string& tensor) { return pickle_of(p_dict(p_text("w") + tensor)); }
Result<TorchFile> parse(const std::string& pickle) {
    static std::string archive;  // outlives what is parsed
    archive = test::torch_archive(pickle, kData);
    return test::parse_torch(archive);
}

TEST(TorchPickle, NoCodeIsRun) {
    const size_t first = test::kFirstPickleByte;
    const auto asks = [&](const std::string& module, const std::string& name) {
        expect_unsupported(pickle_of("}" + p_text("w") + p_global(module, name) + p_text("echo") + "\x85Rs"),
                           {"entry 'm/data.pkl': refused: the pickle asks for " + module + "." + name + " at byte " +
                            std::to_string(first + 9) + "; no code is ever run"});
    };
    asks("os", "system");
    asks("posix", "system");
    asks("builtins", "eval");
    asks("builtins", "getattr");
    asks("torch", "load");
    asks("torch._utils", "_rebuild_tensor_v3");
    asks("torch.storage", "UntypedStorage");
    asks("torch", "ComplexFloatStorage");
    asks("collections", "defaultdict");
    asks("__torch__", "Model");
    // Names of others in disguise.
    asks("collections.OrderedDict", "");
    asks("torch._utils", "_rebuild_tensor_v2.__globals__");
    expect_unsupported(pickle_of(p_global("os\x1b[31m", "system")),
                       {"asks for os\\x1b[31m.system at byte " + std::to_string(first + 2)});
    expect_corrupt(pickle_of("c" + std::string(300, 'm')), {"the name of a module at byte ", "does not end within 256 bytes"});
    expect_corrupt(
        "\x80\x02"
        "ctorch\nFl",
        {"a name at byte ", "does not end"});
}

TEST(TorchPickle, OtherInstructionsAreNamed) {
    const auto uses = [](const std::string& bytes, const std::string& name) {
        expect_unsupported(pickle_of(bytes), {"refused: the pickle uses " + name + " at byte 42, which no state dict needs"});
    };
    uses("\x81", "NEWOBJ");
    uses("\x92", "NEWOBJ_EX");
    uses("\x93", "STACK_GLOBAL");
    uses("ios\nsystem\n", "INST");
    uses("o", "OBJ");
    uses("P0\n", "PERSID");
    uses("2", "DUP");
    uses("\x84\1\1\1\1", "EXT4");
    uses("\x8f", "EMPTY_SET");
    uses("\x95", "FRAME");
    uses("\x97", "NEXT_BUFFER");
    uses("\x8d", "BINUNICODE8");
    uses("\x8b", "LONG4");
    uses("I1\n", "INT");
    expect_corrupt(pickle_of("\xff"), {"0xff at byte 42 is no instruction of a pickle"});
    for (const int protocol : {0, 1, 3, 4, 5})
        expect_unsupported(std::string("\x80") + static_cast<char>(protocol) + "}.",
                           {fmt::format("the pickle at byte 40 has protocol {}; 2 is read", protocol)});
}

TEST(TorchPickle, ItIsWhole) {
    const std::string whole = one_tensor(p_tensor(2, 0, {2}, {1}));
    ASSERT_TRUE(parse(whole));
    for (size_t size = 0; size < whole.size(); ++size) {
        SCOPED_TRACE(size);
        expect_corrupt(whole.substr(0, size), {"entry 'm/data.pkl': "});
    }
    expect_corrupt(whole + "x", {"1 bytes follow the STOP at byte "});
    expect_corrupt(pickle_of(""), {"the instruction at byte 42 takes a value, and the stack has none"});
    expect_corrupt(pickle_of("NN"), {"stops at byte 44 with 1 values and 0 marks left"});
    expect_corrupt(pickle_of("N("), {"takes a value, and the stack has none"});
    expect_corrupt(pickle_of("N(N"), {"with 1 values and 1 marks left"});
    expect_corrupt(pickle_of("t"), {"takes values up to a mark, and there is none"});
    expect_corrupt(pickle_of("N\x86"), {"takes 2 values, and the stack has 1"});
    expect_corrupt(pickle_of("N(\x85"), {"takes 1 values, and the stack has 0"});
    expect_corrupt(pickle_of("}(Nu"), {"sets a key without a value"});
    expect_corrupt(pickle_of("N(NNu"), {"sets entries of a plain value"});
    expect_corrupt(pickle_of("NNNs"), {"sets entries of a plain value"});
    expect_corrupt(pickle_of("}Na"), {"appends to a dict"});
    expect_corrupt(pickle_of("h\7"), {"takes value 7 of the memo, which has none"});
    expect_corrupt(pickle_of("Q"), {"the stack has none"});
    expect_corrupt(pickle_of("N)R"), {"calls a plain value with a tuple"});
    expect_corrupt(pickle_of(p_global("torch", "FloatStorage") + ")R"),
                   {"torch.FloatStorage is not called in the way that is known"});
    expect_corrupt(pickle_of(p_global("collections", "OrderedDict") + "(NtR"),
                   {"collections.OrderedDict is not called in the way that is known"});
    expect_corrupt(pickle_of(p_global("torch._utils", "_rebuild_parameter") + "(NNNtR"),
                   {"is not called in the way that is known"});
    expect_unsupported(pickle_of("]}b"), {"sets the state of a list at byte "});
    expect_unsupported(pickle_of("}Nb"), {"sets the state of a dict at byte "});
}

TEST(TorchPickle, LyingCountsAllocateNothing) {
    expect_corrupt(pickle_of("X\xff\xff\xff\xff"), {"a text at byte 42 takes 4294967295 bytes, and the pickle ends after 1"});
    expect_corrupt(pickle_of("\x8a\xff"), {"a number at byte 42 takes 255 bytes"});
    expect_corrupt(pickle_of("G123"), {"a number at byte 42 takes 8 bytes"});
    // A place in the memo is a number and no size.
    EXPECT_TRUE(parse(one_tensor(p_tensor(2, 0, {2}, {1}) + "r\xff\xff\xff\xff")));
}

TEST(TorchPickle, DepthStackMemoAndStepsAreBounded) {
    const auto nested = [](size_t depth, const std::string& open, const std::string& close) {
        std::string text;
        for (size_t i = 0; i < depth; ++i) text += open;
        text += "N";
        for (size_t i = 0; i < depth; ++i) text += close;
        return pickle_of("}(" + p_text("w") + p_tensor(2, 0, {2}, {1}) + p_text("deep") + text + "u");
    };
    expect_unsupported(nested(60, "(", "t"), {"the entry 'deep' at byte ", "is a tuple"});
    for (const size_t depth : {size_t{64}, size_t{1} << 20})
        expect_unsupported(nested(depth, "(", "t"), {"values at byte ", "are nested more than 64 deep"});
    // Without marks: tuples of one, a million deep, are no depth of the reader.
    expect_unsupported(nested(1u << 20, "", "\x85"), {"the entry 'deep' at byte ", "is a tuple"});
    expect_unsupported(pickle_of(std::string(70000, 'N')), {"more than 65536 values on its stack at byte "});
    // Each tuple has the one before it twice: 2^200 values, were they ever counted.
    std::string bomb = "N";
    for (char i = 0; i < 100; ++i) bomb += std::string("q") + i + "h" + i + "\x86";
    expect_unsupported(pickle_of("}" + p_text("bomb") + bomb + "s"), {"state dict: the pickle holds a dict"});
    std::string memo = "N";
    for (uint32_t i = 0; i <= kPickleMaxMemo; ++i) memo += "r" + test::number_bytes(i);
    expect_unsupported(pickle_of(memo), {"remembers more than 1048576 values at byte "});
    std::string steps = "]";
    for (size_t i = 0; i <= kPickleMaxSteps / 2; ++i) steps += "Na";
    expect_unsupported(pickle_of(steps), {"more than 4194304 instructions at byte "});
}

TEST(TorchPickle, StoragesAreDescribedAsKnown) {
    const auto storage = [](const std::string& id) {
        expect_corrupt(pickle_of(id + "Q"),
                       {"the storage at byte ", "is not described as ('storage', type, key, device, size)"});
    };
    const std::string type = p_global("torch", "FloatStorage"), text = p_text("storage");
    storage("N");
    storage(")");
    storage("(" + text + type + p_text("0") + p_text("cpu") + p_number(2) + "Nt");
    storage("(" + p_text("module") + type + p_text("0") + p_text("cpu") + p_number(2) + "t");
    storage("(" + text + "N" + p_text("0") + p_text("cpu") + p_number(2) + "t");
    storage("(" + text + p_global("collections", "OrderedDict") + p_text("0") + p_text("cpu") + p_number(2) + "t");
    storage("(" + text + type + p_number(0) + p_text("cpu") + p_number(2) + "t");
    storage("(" + text + type + p_text("0") + p_text("cpu") + p_number(-1) + "t");
    storage("(" + text + type + p_text("0") + p_text("cpu") + "\x8a\x09" + std::string(9, '\1') + "t");
}

TEST(TorchPickle, TensorsAreDescribedAsKnown) {
    const std::string rebuild = p_global("torch._utils", "_rebuild_tensor_v2"), hooks = "\x89" + p_ordered_dict();
    const auto tensor = [&](const std::string& arguments, const std::string& words) {
        expect_corrupt(pickle_of(rebuild + "(" + arguments + "tR"), {words, "the tensor at byte "});
    };
    const std::string known = "is not described as (storage, offset, extents, strides, gradient, hooks)";
    tensor("", known);
    tensor("N" + p_number(0) + "))" + hooks, known);
    tensor(p_storage(2) + "N))" + hooks, known);
    tensor(p_storage(2) + p_number(0) + "))\x89N", known);
    tensor(p_storage(2) + p_number(0) + "N)" + hooks, "the extents of the tensor at byte ");
    tensor(p_storage(2) + p_number(0) + ")N" + hooks, "the strides of the tensor at byte ");
    tensor(p_storage(2) + p_number(0) + "(Nt)" + hooks, "hold a plain value");
    tensor(p_storage(2) + p_number(0) + p_numbers({2}) + ")" + hooks, "has 1 extents and 0 strides");
    tensor(p_storage(2) + p_number(0) + p_numbers(std::vector<int64_t>(65, 1)) + p_numbers(std::vector<int64_t>(65, 1)) + hooks,
           "are no tuple of at most 64 numbers");
    expect_unsupported(pickle_of(rebuild + "(" + p_storage(2) + p_number(0) + p_numbers({2}) + p_numbers({1}) + hooks +
                                 p_dict(p_text("neg") + "\x88") + "tR"),
                       {"the tensor at byte ", "has properties beyond its extents and strides"});
}

TEST(TorchPickle, TensorsLieInTheirStorage) {
    const auto view = [](int64_t offset, const std::vector<int64_t>& extents, const std::vector<int64_t>& strides,
                         const std::string& words) {
        expect_corrupt(one_tensor(p_tensor(2, offset, extents, strides)),
                       {"x.bin: tensor 'w': ", words, "(described at byte 44)"});
    };
    const std::string outside = "and the storage has 2 elements";
    EXPECT_TRUE(parse(one_tensor(p_tensor(2, 1, {1}, {1}))));
    EXPECT_TRUE(parse(one_tensor(p_tensor(2, 1, {}, {}))));
    EXPECT_TRUE(parse(one_tensor(p_tensor(2, 2, {0}, {1}))));
    EXPECT_TRUE(parse(one_tensor(p_tensor(2, 0, {1, 2, 1}, {INT64_MAX, 1, 0}))));
    view(0, {3}, {1}, outside);
    view(1, {2}, {1}, outside);
    view(2, {}, {}, outside);
    view(3, {0}, {1}, outside);
    view(-1, {1}, {1}, outside);
    view(INT64_MAX, {2}, {1}, outside);
    view(0, {2}, {2}, outside);
    view(0, {2, 2}, {1, 1}, outside);
    view(0, {2}, {INT64_MAX}, outside);
    view(0, {3, 3, 3}, {INT64_MAX, INT64_MAX, INT64_MAX}, outside);
    view(1, {2}, {-1}, "its extent 0 is 2 with the stride -1; none may be negative");
    view(0, {-2}, {1}, "its extent 0 is -2 with the stride 1; none may be negative");
    view(0, {INT64_MIN}, {1}, "none may be negative");
    const std::string many = "its shape has more elements than any file could hold";
    view(0, {int64_t{1} << 32, int64_t{1} << 32}, {0, 0}, many);
    view(0, {INT64_MAX}, {0}, many);
    view(0, {int64_t{1} << 32, int64_t{1} << 32, 0}, {0, 0, 1}, many);
    // A few bytes that stand for very many.
    for (const auto& [extents, strides] : std::initializer_list<std::pair<std::vector<int64_t>, std::vector<int64_t>>>{
             {{int64_t{1} << 40}, {0}}, {{2, 2}, {0, 1}}, {{2, 1, 2}, {1, 7, 0}}})
        expect_unsupported(one_tensor(p_tensor(2, 0, extents, strides)),
                           {"tensor 'w': its strides [", "share places (described at byte 44)"});
}

TEST(TorchPickle, StoragesAreThoseOfTheArchive) {
    const auto storage = [](const std::string& tensor, const std::string& words) {
        expect_corrupt(one_tensor(tensor), {"tensor 'w': ", words, "(described at byte 44)"});
    };
    const std::string size = "and the entry 'm/data/0' has 8 bytes at byte ";
    storage(p_tensor(1, 0, {1}, {1}), size);
    storage(p_tensor(3, 0, {1}, {1}), size);
    storage(p_tensor(INT64_MAX, 0, {1}, {1}), size);
    storage(p_tensor(int64_t{1} << 62, 0, {1}, {1}), size);
    storage(p_tensor(2, 0, {1}, {1}, "DoubleStorage"), size);
    storage(p_tensor(2, 0, {1}, {1}, "FloatStorage", "1"), "the archive has no entry 'm/data/1'");
    storage(p_tensor(2, 0, {1}, {1}, "FloatStorage", "../data/0"), "the archive has no entry 'm/data/../data/0'");
    storage(p_tensor(2, 0, {1}, {1}, "FloatStorage", ""), "the archive has no entry 'm/data/'");
}

TEST(TorchPickle, TheStateDictIsFound) {
    const std::string tensor = p_tensor(2, 0, {2}, {1}), weights = p_dict(p_text("w") + tensor);
    for (const std::string& root :
         {weights, p_dict(p_text("state_dict") + weights), p_dict(p_text("epoch") + p_number(3) + p_text("model") + weights),
          p_dict(p_text("w") + tensor + p_text("n") + p_number(1) + p_number(7) + "N"), weights + p_dict("") + "b",
          p_ordered_dict() + p_text("w") + tensor + "s"}) {
        const auto file = parse(pickle_of(root));
        ASSERT_TRUE(file) << file.error().message;
        EXPECT_EQ(file->tensors().size(), 1u);
        EXPECT_NE(file->find_tensor("w"), nullptr);
    }
    const std::string none = "where a dict of names and tensors is expected";
    for (const std::string& root :
         {std::string("N"), std::string("]"), tensor, p_dict(""), p_dict(p_text("weights") + weights),
          p_dict(p_text("model") + p_dict(p_text("state_dict") + weights)), p_dict(p_text("model") + p_number(1))})
        expect_unsupported(pickle_of(root), {"x.bin: state dict: the pickle holds a", none});
    for (const auto& [entry, kind] :
         std::initializer_list<std::pair<std::string, std::string>>{{"]", "a list"},
                                                                    {"}", "a dict"},
                                                                    {")", "a tuple"},
                                                                    {p_storage(2), "a storage"},
                                                                    {p_global("torch", "FloatStorage"), "a type or function"}})
        expect_unsupported(pickle_of(p_dict(p_text("w") + tensor + p_text("more") + entry)),
                           {"state dict: the entry 'more' at byte ", "is " + kind});
}

TEST(TorchPickle, NamesAreUniqueTexts) {
    const std::string tensor = p_tensor(2, 0, {2}, {1});
    expect_corrupt(pickle_of(p_dict(p_text("w") + tensor + p_text("w") + tensor)),
                   {"tensor 'w': the name at byte ", "comes a second time"});
    for (const char* name : {"\xff", "\xed\xa0\x80", "\xc0\xaf"})
        expect_corrupt(pickle_of(p_dict(p_text(name) + tensor)), {"the text at byte 44 is not UTF-8"});
    expect_corrupt(pickle_of(p_dict(p_number(1) + tensor)), {"state dict: an entry at byte 44 has a number for a name"});
    for (const std::string& name : {std::string(), std::string("a\0b", 3), std::string(65536, 'n')})
        expect_corrupt(pickle_of(p_dict(p_text(name) + tensor)),
                       {"the name at byte 44 has ", "1 to 65535 without NUL are possible"});
}

}  // namespace
}  // namespace krait
