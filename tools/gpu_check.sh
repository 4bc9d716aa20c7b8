#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds Krait on a machine with a GPU, tests and measures its GPU devices, and writes what came out as one JSON and one Markdown
# file. Needs no network and no test framework: a compiler, CMake, fmt, CLI11, nlohmann-json, PCRE2, libexpected, xxhash, and for
# CUDA devices nvcc. See --help.

set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
readonly root

usage() {
    cat <<'END'
tools/gpu_check.sh [--out DIR] [--device NAME]... [--build DIR] [--models LIST] [--quick]

  --out DIR       where report.json and report.md go (default: build/gpu-check)
  --device NAME   a device as 'krait devices' names it (default: every cudaN and vulkanN that is there)
  --build DIR     build folder (default: build/gpu)
  --models LIST   shapes of random models to measure, with commas (default: mamba-130m,mamba-1.4b,mamba-2.8b)
  --quick         no models, and the op tests without what takes long
END
}

out="$root/build/gpu-check"
folder="$root/build/gpu"
models=mamba-130m,mamba-1.4b,mamba-2.8b
quick=0
devices=()
while (($# > 0)); do
    case "$1" in
        --out) out="$2"; shift 2 ;;
        --device) devices+=("$2"); shift 2 ;;
        --build) folder="$2"; shift 2 ;;
        --models) models="$2"; shift 2 ;;
        --quick) quick=1; shift ;;
        -h | --help) usage; exit 0 ;;
        *) usage >&2; exit 2 ;;
    esac
done
mkdir -p "$out"
log="$out/log.txt"
: >"$log"
say() { printf '==> %s\n' "$*" | tee -a "$log" >&2; }

# step NAME COMMAND...: its output goes to a file of its own; verdict and seconds into the report.
results="$out/steps.tsv"
: >"$results"
step() {
    local name="$1" started=$SECONDS verdict=passed file
    shift
    file="$out/$(tr -c 'a-zA-Z0-9\n' '_' <<<"$name").txt"
    say "$name"
    "$@" >"$file" 2>&1 || verdict="failed ($?)"
    printf '%s\t%s\t%d\t%s\n' "$name" "$verdict" $((SECONDS - started)) "$(basename "$file")" >>"$results"
    if [[ "$verdict" != passed ]]; then tail -20 "$file" >&2; fi
}

# golden_logits DEVICE BASE CHUNK: BASE.gguf on the device against BASE.logits.npy.
golden_logits() {
    local tokens
    tokens="$(python3 "$root/tools/npy_compare.py" --list "$2.tokens.npy")"
    "$krait" logits "$2.gguf" --device "$1" --chunk "$3" --tokens "$tokens" --output "$out/logits.npy"
    python3 "$root/tools/npy_compare.py" "$out/logits.npy" "$2.logits.npy" --nmse 1e-9
}

generator=()
if command -v ninja >/dev/null; then generator=(-G Ninja); fi
# What 'native' builds for compute capability 9.0 is sm_90, which has no warpgroups.
architectures=native
capabilities="$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader 2>/dev/null | sort -u || true)"
if [[ "$capabilities" == 9.0 ]]; then architectures=90a-real; fi

say "Building $folder for $architectures"
cmake "${generator[@]}" -B "$folder" -S "$root" -DCMAKE_BUILD_TYPE=Release -DKRAIT_BUILD_TESTS=OFF -DKRAIT_CUDA=AUTO \
    -DCMAKE_CUDA_ARCHITECTURES="$architectures" >>"$log" 2>&1 || { tail -30 "$log" >&2; exit 1; }
cmake --build "$folder" --parallel >>"$log" 2>&1 || { tail -30 "$log" >&2; exit 1; }
krait="$folder/bin/krait"

"$krait" devices >"$out/devices.txt" 2>&1
if ((${#devices[@]} == 0)); then
    mapfile -t devices < <(grep -oE '^(cuda|vulkan)[0-9]+' "$out/devices.txt")
fi
if ((${#devices[@]} == 0)); then
    cat "$out/devices.txt" >&2
    say "there is no GPU device here; above stands why each plugin is not used"
    exit 1
fi
say "Devices: ${devices[*]}"
if command -v nvidia-smi >/dev/null; then
    nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.max.sm,clocks.max.memory,power.limit --format=csv >"$out/nvidia-smi.txt" 2>&1 || true
fi

for device in "${devices[@]}"; do
    options=()
    if ((quick)); then options=(--quick); fi
    step "test-ops $device" "$krait" test-ops --device "$device" "${options[@]}"
    # Whole models against logits that PyTorch and a plain loop agree on, in one run and token by token.
    for model in mamba falcon_mamba mamba2; do
        for chunk in 512 1; do
            step "golden logits $model chunk $chunk $device" golden_logits "$device" "$root/tests/golden/$model" "$chunk"
        done
    done
    step "perf $device" "$krait" test-ops --device "$device" --perf
    # Off without the option until a device has passed this.
    if [[ "$device" == cuda* && "$architectures" == 90a-real ]]; then
        step "test-ops $device wgmma" "$krait" test-ops --device "$device:wgmma=on" --op mul_mat "${options[@]}"
        step "perf $device wgmma" "$krait" test-ops --device "$device:wgmma=on" --op mul_mat --perf
    fi
    if [[ "$device" == cuda* ]] && command -v compute-sanitizer >/dev/null; then
        for tool in memcheck racecheck synccheck; do
            step "compute-sanitizer $tool $device" compute-sanitizer --tool "$tool" --error-exitcode 9 "$krait" test-ops --device "$device" \
                --quick --jobs 1 --case '*t5.h8*'
        done
    fi
done

if ((quick == 0)); then
    IFS=, read -ra shapes <<<"$models"
    for shape in "${shapes[@]}"; do
        for format in F16 Q8_0 Q4_K; do
            file="$out/$shape-$format.gguf"
            step "random $shape $format" "$krait" make-random "$file" --like "$shape" --type "$format"
            for device in "${devices[@]}"; do
                # It measures the machine's ceilings first.
                step "bench $shape $format $device" "$krait" bench "$file" --device "$device" -p 512,2048 -n 128 -b 1,8,32 --output json
                if [[ "$device" == cuda* && "$architectures" == 90a-real ]]; then
                    step "bench $shape $format $device wgmma" "$krait" bench "$file" --device "$device:wgmma=on" -p 512,2048 --output json
                fi
            done
            rm -f "$file"
        done
    done
fi

python3 - "$out" <<'END'
import json, sys
from pathlib import Path

out = Path(sys.argv[1])
steps = []
for line in (out / "steps.tsv").read_text().splitlines():
    name, verdict, seconds, file = line.split("\t")
    text = (out / file).read_text(errors="replace")
    step = {"name": name, "verdict": verdict, "seconds": int(seconds)}
    try:
        step["result"] = json.loads(text)
    except ValueError:
        step["output"] = text[-4000:]
    steps.append(step)
report = {"devices": (out / "devices.txt").read_text(), "steps": steps}
if (out / "nvidia-smi.txt").exists():
    report["nvidia_smi"] = (out / "nvidia-smi.txt").read_text()
(out / "report.json").write_text(json.dumps(report, indent=1) + "\n")
lines = ["# GPU check", "", "```", report["devices"].rstrip(), "```", "", "| step | verdict | seconds |", "|---|---|--:|"]
lines += [f"| {s['name']} | {s['verdict']} | {s['seconds']} |" for s in steps]
for s in steps:
    if s["verdict"] != "passed" or s["name"].startswith(("bench", "perf")):
        body = json.dumps(s["result"], indent=1) if "result" in s else s["output"]
        lines += ["", f"## {s['name']}", "", "```", body.rstrip(), "```"]
(out / "report.md").write_text("\n".join(lines) + "\n")
failed = [s["name"] for s in steps if s["verdict"] != "passed"]
print(f"{len(steps)} steps, {len(failed)} failed: {out}/report.md")
sys.exit(1 if failed else 0)
END
