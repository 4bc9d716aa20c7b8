// SPDX-License-Identifier: Apache-2.0
//
// Hugging Face folders on the command line: krait convert, and folders where other commands take a model.
#include <fstream>
#include <iterator>

#include "tests/tools/run_command.hpp"
#include "tests/tools/temporary_folder.hpp"

namespace {

namespace fs = std::filesystem;
using krait::test::Answer;
using krait::test::run_krait;

const std::string kFolders = "tests/models/data/huggingface/";

class Convert : public krait::test::TemporaryFolder {
  protected:
    void expect(const std::string& arguments, int exit_code, const std::string& words) const {
        const Answer answer = run_krait(arguments);
        EXPECT_EQ(answer.exit_code, exit_code) << arguments << "\n" << answer.text;
        EXPECT_NE(answer.text.find(words), std::string::npos) << arguments << "\n" << answer.text;
    }
    std::string bytes_of(const std::string& name) const {
        std::ifstream stream(path(name), std::ios::binary);
        return {std::istreambuf_iterator<char>(stream), {}};
    }
    size_t n_file() const {
        return static_cast<size_t>(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
    }
};

TEST_F(Convert, FileAndFolderGiveTheSameLogits) {
    for (const std::string name : {"mamba", "mamba2", "falcon_mamba"}) {
        expect("convert " + kFolders + name + " " + path(name + ".gguf"), 0, name + ".gguf: ");
        expect("logits -d cpu " + kFolders + name + " -p 'It was' -o " + path("folder.npy"), 0, "folder.npy");
        expect("logits -d cpu " + path(name + ".gguf") + " -p 'It was' -o " + path("file.npy"), 0, "file.npy");
        EXPECT_EQ(bytes_of("folder.npy"), bytes_of("file.npy")) << name;
        EXPECT_GT(bytes_of("file.npy").size(), 1000u);
    }
}

TEST_F(Convert, TypesAreThoseOfQuantize) {
    expect("convert " + kFolders + "mamba " + path("direct.gguf") + " --type q8_0", 0, "direct.gguf: ");
    expect("quantize " + kFolders + "mamba " + path("quantized.gguf") + " q8_0", 0, "Q8_0");
    for (const std::string& model : {path("direct.gguf"), path("quantized.gguf"), kFolders + "mamba --type q8_0"}) {
        expect("logits -d cpu " + model + " -t 1,2,3 -o " + path("new.npy"), 0, "new.npy");
        if (!fs::exists(path("first.npy"))) fs::copy(path("new.npy"), path("first.npy"));
        EXPECT_EQ(bytes_of("new.npy"), bytes_of("first.npy")) << model;
    }
    expect("logits -d cpu " + path("direct.gguf") + " --type q4_0 -t 1 -o " + path("x.npy"), 2, "quantized already");
    expect("logits -d cpu " + kFolders + "mamba --type q9 -t 1 -o " + path("x.npy"), 2, "there is no type 'q9'");
    expect("convert " + kFolders + "mamba " + path("x.gguf") + " --pure", 2, "--type");
}

TEST_F(Convert, ShardsOnRequest) {
    expect("convert " + kFolders + "mamba2 " + path("part") + " --split 60K", 0, "part-00004-of-00004.gguf: ");
    expect("inspect --no-metadata " + path("part-00002-of-00004.gguf"), 0, "in 4 shards");
    expect("convert " + kFolders + "mamba2 " + path("part") + " --split much", 2, "--split 'much' is no size");
}

TEST_F(Convert, FoldersInEveryCommand) {
    const std::string folder = kFolders + "mamba";
    expect("inspect " + folder, 0, "Hugging Face folder");
    expect("inspect " + folder, 0, "head tied to the embedding");
    expect("run -d cpu " + folder + " -p It -n 3", 0, "It");
    expect("run -d cpu " + folder + " --no-mmap -p It -n 3", 0, "It");
    expect("tokenize " + folder + " -p 'It was'", 0, "4 tokens for 6 bytes");
    std::ofstream(path("text.txt")) << "It was the best of times, it was the worst of times, it was the age of wisdom.";
    expect("perplexity -d cpu " + folder + " --context 16 --text " + path("text.txt"), 0, "erplexity");
    expect("bench -d cpu " + folder + " -r 1 --no-ceilings", 0, "tokens/s");
}

TEST_F(Convert, WithoutTokenizer) {
    const std::string folder = kFolders + "official_mamba2";
    expect("logits -d cpu " + folder + " -t 1,2 -o " + path("x.npy"), 0, "x.npy");
    expect("run -d cpu " + folder + " -p It -n 3", 2, "--tokenizer PATH");
    expect("run -d cpu " + folder + " --tokenizer " + kFolders + "mamba -p It -n 3", 0, "It");
    expect("convert " + folder + " " + path("none.gguf"), 0, "--tokenizer PATH");
    expect("convert " + folder + " " + path("some.gguf") + " --tokenizer " + kFolders + "mamba", 0, "some.gguf: ");
    expect("run -d cpu " + path("some.gguf") + " -p It -n 3", 0, "It");
    expect("convert " + folder + " " + path("bare.gguf"), 0, "bare.gguf: ");
    expect("inspect " + path("bare.gguf"), 0, "\"none\"");  // other engines ask for the key
    expect("run -d cpu " + path("bare.gguf") + " -p It -n 3", 2, "tokenizer");
    expect("run -d cpu " + path("bare.gguf") + " --tokenizer " + kFolders + "mamba -p It -n 3", 0, "It");
    expect("run -d cpu " + path("bare.gguf") + " --tokenizer " + kFolders + "mamba/tokenizer.json -p It -n 3", 0, "It");
    expect("run -d cpu " + path("bare.gguf") + " --tokenizer " + path("nothing") + " -p It", 2, "No such file or directory");
}

// A model without a tokenizer is written without one; a tokenizer that cannot be read is an error, and nothing is written.
TEST_F(Convert, DamagedTokenizers) {
    fs::copy(kFolders + "mamba", path("model"));
    const std::string command = "convert " + path("model") + " " + path("x.gguf");
    std::ofstream(path("model/tokenizer.json")) << "{\"model\": 3}";
    expect(command, 2, "model/tokenizer.json: ");
    expect(command, 2, "--no-tokenizer");
    std::ofstream(path("model/tokenizer.json")) << R"({"model": {"type": "WordLevel", "vocab": {"a": 0}}})";
    expect(command, 2, "'WordLevel'");
    std::ofstream(path("model/tokenizer.json")) << R"({"model": {"type": "Unigram", "vocab": [["a", 1e999]]}})";
    expect(command, 2, "tokenizer.json");
    EXPECT_FALSE(fs::exists(path("x.gguf")));
    expect(command + " --no-tokenizer", 0, "x.gguf: ");
    expect("logits -d cpu " + path("x.gguf") + " -t 1,2 -o " + path("x.npy"), 0, "x.npy");
    expect(command + " --no-tokenizer --tokenizer " + kFolders + "mamba", 2, "--no-tokenizer");
    expect(command + " --tokenizer " + kFolders + "mamba", 0, "x.gguf: ");
    // A good one is left out, too.
    expect("convert " + kFolders + "mamba " + path("none.gguf") + " --no-tokenizer", 0, "none.gguf: ");
    expect("inspect " + path("none.gguf"), 0, "\"none\"");
    expect("run -d cpu " + path("none.gguf") + " -p It -n 3", 2, "'tokenizer.ggml.tokens' is missing");
    // A setting beside the tokenizer.
    fs::copy(kFolders + "mamba/tokenizer.json", path("model/tokenizer.json"), fs::copy_options::overwrite_existing);
    std::ofstream(path("model/generation_config.json")) << R"({"eos_token_id": "2"})";
    expect("convert " + path("model") + " " + path("z.gguf"), 2, "generation_config.json: 'eos_token_id' at byte ");
    EXPECT_FALSE(fs::exists(path("z.gguf")));
    fs::remove(path("model/generation_config.json"));
    fs::remove(path("model/tokenizer.json"));
    expect("convert " + path("model") + " " + path("y.gguf"), 0, "there is no tokenizer.json, tokenizer.model");
}

TEST_F(Convert, TokenizersAreCompared) {
    const std::string folder = kFolders + "mamba";
    expect("convert " + folder + " " + path("m.gguf"), 0, "m.gguf: ");
    const std::string both = "tokenize " + path("m.gguf") + " -p 'It was the best of times' --compare ";
    expect(both + folder, 0, "no difference in ");
    expect(both + folder + "/tokenizer.json", 0, "no difference in ");
    // Without its merges all that it knows are bytes.
    std::ifstream file(folder + "/tokenizer.json");
    std::string json{std::istreambuf_iterator<char>(file), {}};
    const size_t begin = json.find('[', json.find("\"merges\"")) + 1;
    size_t end = begin;  // merges are lists of two, or texts in which brackets may stand
    for (int depth = 1; depth > 0; ++end) {
        if (json[end] == '"')
            while (json[++end] != '"') end += json[end] == '\\' ? 1 : 0;
        depth += json[end] == '[' ? 1 : json[end] == ']' ? -1 : 0;
    }
    json.erase(begin, end - 1 - begin);
    std::ofstream(path("bytes.json")) << json;
    expect(both + path("bytes.json"), 1, "the first difference is at token 2, behind \"It\"");
    expect(both + path("bytes.json"), 1, "bytes.json:  ");
    expect(both + path("none.json"), 2, "none.json");
}

TEST_F(Convert, NothingIsLeftOfAFailure) {
    fs::create_directory(folder_ / "empty");
    expect("convert " + path("empty") + " " + path("x.gguf"), 2, "config.json");
    expect("convert " + path("nothing") + " " + path("x.gguf"), 2, "nothing");
    expect("convert README.md " + path("x.gguf"), 2, "takes the folder of a model");
    fs::copy(kFolders + "mamba", path("model"));
    expect("convert " + path("model") + " " + path("model/model.safetensors"), 2, "model.safetensors");
    expect("convert " + path("model") + " " + path("model/config.json"), 2, "config.json");
    fs::create_directory_symlink(path("model"), path("link"));
    fs::create_symlink(path("model/tokenizer.json"), path("elsewhere.json"));
    for (const char* target : {"model/tokenizer.json", "model/texts.json", "link/logits.npy", "elsewhere.json"})
        expect("convert " + path("model") + " " + path(target), 2, "is a file of the folder");
    expect("convert " + kFolders + "official_mamba2 " + path("model/tokenizer.json") + " --tokenizer " + path("model"), 2,
           "is a file of the folder");
    fs::remove(path("link"));
    fs::remove(path("elsewhere.json"));
    const std::string bare = "convert " + kFolders + "official_mamba2 " + path("x.gguf") + " --tokenizer ";
    expect(bare + path("nodir"), 2, "nodir: No such file or directory");
    expect(bare + path("model/config.json"), 2, "config.json");
    std::ofstream(path("some.gguf")) << "GGUF";
    expect(bare + path("some.gguf"), 2, "is a GGUF file; a tokenizer is read from a folder");
    fs::remove(path("some.gguf"));
    expect("convert " + path("model") + " " + path("x.gguf") + " --type ''", 2, "--type: this names a type, and is empty");
    std::ofstream(folder_ / "model" / "config.json") << R"({"model_type": "gpt2"})";
    expect("convert " + path("model") + " " + path("x.gguf"), 2, "'gpt2' are not supported");
    // A file system that takes no more than 20 kB of a file.
    const std::string limited = "bash -c 'ulimit -f 20; exec " + std::string(krait::test::kCommand) + " convert " + kFolders +
                                "mamba " + path("x.gguf") + "' 2>&1";
    const int status = std::system((limited + " >/dev/null").c_str());
    EXPECT_EQ(WEXITSTATUS(status), 1);
    EXPECT_EQ(n_file(), 2u) << "only the folders empty and model are there";
}

}  // namespace
