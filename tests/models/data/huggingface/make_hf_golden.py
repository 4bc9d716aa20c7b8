#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the folders beside this file: tiny checkpoints with random weights as Hugging Face's transformers saves them, a tokenizer that
tokenizers trained, and the float32 logits of transformers.

    python3 -m venv venv && venv/bin/pip install torch transformers safetensors tokenizers numpy
    venv/bin/python tests/models/data/huggingface/make_hf_golden.py

A folder each:
  mamba, falcon_mamba, mamba2   model.safetensors, tokenizer, chat template, generation_config.json
  mamba_sharded                 the weights of mamba in shards with an index
  mamba_bf16                    the weights of mamba in BF16; its logits are those of these weights in float32
  official_mamba2               as state-spaces has them: its config.json and names, no tokenizer, vocabulary padded
  qbert                         mamba under the names of an early port
Beside each: tokens.npy (int32 [T]), logits.npy (float32 [T, n_vocab]); tokenizer.json.texts: texts and the ids that tokenizers gives.
"""

from __future__ import annotations

import json
import pathlib
import shutil

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (FalconMambaConfig, FalconMambaForCausalLM, GenerationConfig, Mamba2Config, Mamba2ForCausalLM, MambaConfig,
                          MambaForCausalLM, PreTrainedTokenizerFast)

HERE = pathlib.Path(__file__).resolve().parent
N_VOCAB = 320
N_TOKEN = 16
TEXTS = ["It was the best of times, it was the worst of times.", "  two blanks, then 1234 and 5.6\n\n\ttab", "naïve café — 猫 🙂 don't",
         "<|im_start|>user\nHi<|im_end|>", "", " ", "a  b   c    d", "x" * 40]
CHAT = ("{% for message in messages %}{{ '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>\n' }}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}")


def train_tokenizer(kind: str) -> Tokenizer:
    """Byte-level BPE: gpt2, neox (which normalizes), falcon."""
    tokenizer = Tokenizer(models.BPE())
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    if kind == "neox":
        tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = byte_level
    if kind == "falcon":
        from tokenizers import Regex
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
            pre_tokenizers.Punctuation("contiguous"), byte_level, pre_tokenizers.Digits(individual_digits=False),
            pre_tokenizers.Split(Regex("[0-9][0-9][0-9]"), "isolated")])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=True)
    text = (HERE.parents[3] / "README.md").read_text(encoding="utf-8")
    trainer = trainers.BpeTrainer(vocab_size=310, special_tokens=["<|endoftext|>", "<|padding|>"],
                                  initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()), show_progress=False)
    tokenizer.train_from_iterator(text.splitlines(keepends=True), trainer)
    tokenizer.add_special_tokens([AddedToken("<|im_start|>", normalized=False), AddedToken("<|im_end|>", normalized=False)])
    tokenizer.add_tokens([AddedToken("    ", normalized=False, special=False)])
    return tokenizer


def save_tokenizer(folder: pathlib.Path, kind: str) -> None:
    tokenizer = train_tokenizer(kind)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<|endoftext|>", eos_token="<|endoftext|>",
                                   unk_token="<|endoftext|>", pad_token="<|padding|>")
    fast.save_pretrained(folder)
    config = json.loads((folder / "tokenizer_config.json").read_text())
    config["chat_template"] = CHAT  # one place for all versions of transformers
    (folder / "chat_template.jinja").unlink(missing_ok=True)
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=1, ensure_ascii=False) + "\n")
    lines = [{"text": text, "ids": tokenizer.encode(text).ids} for text in TEXTS]
    (folder / "texts.json").write_text(json.dumps(lines, indent=1, ensure_ascii=False) + "\n")


def randomize(model: torch.nn.Module, seed: int) -> None:
    """Every weight is something: zeros and ones would hide terms that are left out."""
    generator = torch.Generator().manual_seed(seed)
    for name, weight in model.named_parameters():
        noise = torch.randn(weight.shape, generator=generator)
        if name.endswith("norm.weight") or name.endswith("norm_f.weight") or name.endswith(".D"):
            weight.data = 1 + 0.2 * noise
        elif name.endswith("A_log"):
            weight.data = weight.data + 0.1 * noise
        elif name.endswith("bias"):
            weight.data = weight.data + 0.1 * noise
        elif "embeddings" in name or "lm_head" in name:
            weight.data = 0.5 * noise
        elif "conv1d" in name:
            weight.data = 0.5 * noise
        else:
            weight.data = noise / weight.shape[-1] ** 0.5


@torch.no_grad()
def write_logits(model: torch.nn.Module, folder: pathlib.Path) -> None:
    model = model.float().eval()
    tokens = np.random.default_rng(7).integers(0, 300, N_TOKEN).astype(np.int32)
    logits = model(torch.from_numpy(tokens).long()[None], use_cache=False).logits[0]
    np.save(folder / "tokens.npy", tokens)
    np.save(folder / "logits.npy", logits.numpy().astype(np.float32))


def fresh(name: str) -> pathlib.Path:
    folder = HERE / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def save(model: torch.nn.Module, name: str, tokenizer: str, **options) -> pathlib.Path:
    folder = fresh(name)
    model.generation_config = GenerationConfig(bos_token_id=0, eos_token_id=[0, 311], pad_token_id=1)
    model.save_pretrained(folder, **options)
    save_tokenizer(folder, tokenizer)
    write_logits(model, folder)
    return folder


def main() -> None:
    torch.manual_seed(0)  # initial values of A and of the bias of dt
    common = {"vocab_size": N_VOCAB, "hidden_size": 32, "num_hidden_layers": 2, "bos_token_id": 0, "eos_token_id": 0, "pad_token_id": 1}
    mamba = MambaForCausalLM(MambaConfig(**common, state_size=8, time_step_rank=3, use_bias=True))
    randomize(mamba, 1)
    save(mamba, "mamba", "neox")
    sharded = save(mamba, "mamba_sharded", "gpt2", max_shard_size="40KB")
    assert len(list(sharded.glob("*.safetensors"))) > 1
    half = MambaForCausalLM(mamba.config)
    half.load_state_dict(mamba.state_dict())
    save(half.bfloat16(), "mamba_bf16", "gpt2")

    falcon = FalconMambaForCausalLM(FalconMambaConfig(**common, state_size=8, tie_word_embeddings=False, mixer_rms_eps=1e-2))
    randomize(falcon, 2)
    save(falcon, "falcon_mamba", "falcon")

    mamba2 = Mamba2ForCausalLM(Mamba2Config(**common, state_size=16, num_heads=8, head_dim=8, n_groups=2, chunk_size=8))
    randomize(mamba2, 3)
    save(mamba2, "mamba2", "gpt2")

    # As state-spaces saves them: the same weights under other names.
    tied = Mamba2ForCausalLM(Mamba2Config(**common, state_size=16, num_heads=8, head_dim=8, n_groups=1, chunk_size=8, tie_word_embeddings=True))
    randomize(tied, 4)
    tied.tie_weights()
    folder = fresh("official_mamba2")
    state = {name.replace("embeddings", "embedding"): weight.clone().contiguous() for name, weight in tied.state_dict().items()}
    state["lm_head.weight"] = state["backbone.embedding.weight"].clone()
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    config = {"d_model": 32, "d_intermediate": 0, "n_layer": 2, "vocab_size": N_VOCAB - 3,
              "ssm_cfg": {"layer": "Mamba2", "d_state": 16, "headdim": 8}, "attn_layer_idx": [], "attn_cfg": {}, "rms_norm": True,
              "residual_in_fp32": True, "fused_add_norm": True, "pad_vocab_size_multiple": 16, "tie_embeddings": True}
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    write_logits(tied, folder)

    folder = fresh("qbert")
    shutil.copy(HERE / "mamba" / "logits.npy", folder)
    shutil.copy(HERE / "mamba" / "tokens.npy", folder)
    state = load_file(HERE / "mamba" / "model.safetensors")
    rename = {name: name.replace("backbone.", "model.").replace("mixer.", "").replace("embeddings", "embedding") for name in state}
    save_file({rename[name]: weight for name, weight in state.items()}, folder / "model.safetensors", metadata={"format": "pt"})
    config = {"model_type": "mamba", "d_model": 32, "n_layer": 2, "vocab_size": N_VOCAB, "d_inner": 64, "d_state": 8, "d_conv": 4,
              "dt_rank": 3, "expand": 2, "bias": True, "conv_bias": True, "pad_vocab_size_multiple": 8}
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")


if __name__ == "__main__":
    main()
