#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the CUDA kernels take of a device: registers, shared memory, spills, as ptxas tells it. Needs nvcc and no GPU.

    tools/cuda_resources.py --arch sm_90a                     a table of all kernels, in Markdown
    tools/cuda_resources.py --arch sm_75 --arch sm_120 --check
                                       compiles only; fails where a kernel of HOT spills, where there is none of its name, or
                                       where ptxas makes products of a warpgroup wait for each other

A spill is a register that goes to memory and back: in a kernel that lives from its registers it costs more than anything else. ptxas
gives up the asynchrony of wgmma where it cannot see that registers are left alone until the wait, and says so in an aside.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# The kernels of a decode step and of a prompt, for the formats that models have. As regular expressions over demangled names.
HOT = (
    r"mul_mat_vector_kernel<krait::Block(F16|Q8_0|Q4_0|Q4_K|Q5_K|Q6_K), 1>",
    r"mul_mat_mma_kernel<krait::Block(F16|Q8_0|Q4_0|Q4_K|Q5_K|Q6_K), (2, true|8, false)>",
    r"mul_mat_wgmma_kernel<krait::Block(F16|Q8_0|Q4_0|Q4_K|Q5_K|Q6_K), 16, false>",  # empty but for sm_90a
    r"ssm_scan_kernel<4, 4, (void|krait::Block(F32|F16|Q8_0))>",
    r"ssm_scan_kernel<16, 8, void>",
    r"ssm_scan_chunks_kernel<[12]>",
    r"ssm_conv_kernel<4>",
    r"rms_norm_kernel",
    r"argmax_kernel",
    r"attention_vector_kernel<krait::Block(F16|Q8_0), [148], 1>",
    r"attention_tiles_kernel<(64|128), 4, 32>",
    r"mul_mat_pairs_kernel<krait::Block(F16|Q8_0|Q4_0|Q4_K|Q5_K|Q6_K)>",
    r"mul_mat_experts_mma_kernel<krait::Block(F16|Q8_0|Q4_0|Q4_K|Q5_K|Q6_K), (2, true|8, false)>",
    r"rope_kernel",
    r"route_experts_kernel",
)
FLAGS = ["-std=c++20", "-O3", "-fmad=false", "--expt-relaxed-constexpr", "-DFMT_USE_CONSTEXPR=1", "-DFMT_CONSTEVAL="]

_ENTRY = re.compile(r"Compiling entry function '(\w+)' for")
_SPILL = re.compile(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads")
_USED = re.compile(r"Used (\d+) registers(?:.*?(\d+) bytes smem)?")
_LOSS = re.compile(r"Potential Performance Loss: (.*) in the function '(\w+)'")


@dataclass
class Kernel:
    name: str
    arch: str
    stack: int = 0
    spills: int = 0
    registers: int = 0
    shared: int = 0
    loss: str = ""  # what ptxas says it gave up


def find_nvcc() -> str:
    found = shutil.which("nvcc") or shutil.which("/usr/local/cuda/bin/nvcc")
    if not found:
        sys.exit("cuda_resources.py: there is no nvcc in PATH or in /usr/local/cuda/bin")
    return found


def compile_one(nvcc: str, source: Path, arch: str) -> list[Kernel]:
    with tempfile.TemporaryDirectory() as folder:
        ran = subprocess.run([nvcc, *FLAGS, f"-arch={arch}", "-cubin", "-Xptxas", "-v", "-I", str(ROOT), str(source), "-o", f"{folder}/out.cubin"],
                             capture_output=True, text=True, check=False)
    if ran.returncode != 0:
        sys.exit(f"{source.relative_to(ROOT)} for {arch} does not compile:\n{ran.stderr}")
    return parse(ran.stdout + ran.stderr, arch)


def parse(text: str, arch: str) -> list[Kernel]:
    kernels: list[Kernel] = []
    losses: dict[str, str] = {}  # told before the kernel is
    for line in text.splitlines():
        if loss := _LOSS.search(line):
            losses[loss[2]] = loss[1]
        elif entry := _ENTRY.search(line):
            kernels.append(Kernel(entry[1], arch))
        elif kernels and (spill := _SPILL.search(line)):
            kernels[-1].stack = int(spill[1])
            kernels[-1].spills = int(spill[2]) + int(spill[3])
        elif kernels and (used := _USED.search(line)):
            kernels[-1].registers = int(used[1])
            kernels[-1].shared = int(used[2] or 0)
    for kernel in kernels:
        kernel.loss = losses.get(kernel.name, "")
    return kernels


def demangle(kernels: list[Kernel]) -> None:
    names = subprocess.run(["c++filt"], input="\n".join(k.name for k in kernels), capture_output=True, text=True, check=True).stdout.splitlines()
    for kernel, name in zip(kernels, names):
        kernel.name = re.sub(r"^void ", "", name).split("(")[0].replace("krait::cuda::", "")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arch", action="append", required=True, help="sm_75, sm_90a, sm_120, ...; several times")
    parser.add_argument("--check", action="store_true", help="no table; fail on spills in hot kernels")
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    nvcc = find_nvcc()
    sources = sorted((ROOT / "backends/cuda/ops").glob("*.cu"))
    work = [(source, arch) for arch in arguments.arch for source in sources]
    with ThreadPoolExecutor(arguments.jobs) as pool:
        kernels = [k for ks in pool.map(lambda w: compile_one(nvcc, *w), work) for k in ks]
    demangle(kernels)

    bad = []
    for arch in arguments.arch:
        for pattern in HOT:
            hot = [k for k in kernels if k.arch == arch and re.match(pattern, k.name)]
            if not hot:
                bad.append(f"{arch}: no kernel is called {pattern}; correct the list in tools/cuda_resources.py")
            bad += [f"{arch}: {k.name} spills {k.spills} bytes" for k in hot if k.spills > 0]
    bad += [f"{k.arch}: {k.name}: {k.loss}" for k in kernels if k.loss]
    if not arguments.check:
        print("| kernel | arch | registers | shared memory | stack | spills |\n|---|---|--:|--:|--:|--:|")
        for k in sorted(kernels, key=lambda k: (k.arch, k.name)):
            print(f"| `{k.name}` | {k.arch} | {k.registers} | {k.shared} | {k.stack} | {k.spills} |")
    for line in bad:
        print(line, file=sys.stderr)
    print(f"{len(kernels)} kernels compiled for {', '.join(arguments.arch)}, {len(bad)} findings", file=sys.stderr)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
