#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds Krait on a machine with a GPU, tests and measures its GPU devices, and writes what came out as one JSON and one Markdown
# file (tools/gpu_report.py). Needs no network and no test framework: a compiler, CMake, fmt, CLI11, nlohmann-json, PCRE2,
# utf8proc, libexpected, xxhash, Python 3, and for CUDA devices nvcc. What tells most comes first. See --help.

set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

usage() {
    cat <<'END'
tools/gpu_check.sh [--out DIR] [--device NAME]... [--build DIR] [--models LIST] [--quick] [--minutes N]

  --out DIR       where report.json and report.md go (default: build/gpu-check); models are made there too, 16 GiB of
                  them, in a folder that goes in the end
  --device NAME   a device, without options, as 'krait devices' names it (default: every cudaN and vulkanN that is there and not emulated)
  --build DIR     build folder (default: build/gpu)
  --models LIST   shapes of random models to measure, with commas (default: mamba-2.8b,mamba-130m,mamba-1.4b)
  --quick         no benchmark of models, and the op tests without what takes long
  --minutes N     stop after so many minutes; what does not fit is in the report as not run (default: no limit)

There is a report also where a step fails or the script is interrupted. Exit code: 0 all that ran passed, 1 something failed,
2 bad arguments, 130 interrupted.
Example:
  tools/gpu_check.sh --device cuda0 --minutes 12
END
}

bad_arguments() {
    printf 'gpu_check.sh: %s\n' "$1" >&2
    usage >&2
    exit 2
}

out="$root/build/gpu-check"
folder="$root/build/gpu"
models=mamba-2.8b,mamba-130m,mamba-1.4b
quick=0
deadline=0  # in $SECONDS; 0 = none
devices=()
while (($# > 0)); do
    case "$1" in
        --quick) quick=1; shift; continue ;;
        -h | --help) usage; exit 0 ;;
        --out | --device | --build | --models | --minutes) (($# > 1)) || bad_arguments "$1 lacks its value" ;;
        *) bad_arguments "'$1' is not known" ;;
    esac
    case "$1" in
        --out) out="$2" ;;
        --device) devices+=("$2") ;;
        --build) folder="$2" ;;
        --models) models="$2" ;;
        --minutes)
            [[ "$2" =~ ^[0-9]{1,4}([.][0-9]+)?$ ]] || bad_arguments "--minutes takes a number as 12 or 7.5, not '$2'"
            deadline="$(awk -v now="$SECONDS" -v minutes="$2" 'BEGIN { printf "%d", now + 60 * minutes }')"
            ((deadline > SECONDS)) || bad_arguments "--minutes $2 is no time at all" ;;
    esac
    shift 2
done
[[ -n "$out" && (-d "$out" || ! -e "$out") ]] || bad_arguments "--out takes a folder, not '$out'"
[[ -n "$folder" && (-d "$folder" || ! -e "$folder") ]] || bad_arguments "--build takes a folder, not '$folder'"
[[ "$models" =~ ^[a-z0-9.-]+(,[a-z0-9.-]+)*$ ]] || bad_arguments "--models takes names with commas between them, not '$models'"
for device in "${devices[@]}"; do
    # Without options: what a device has beside the default is tried anyway.
    [[ "$device" =~ ^[a-z][a-z-]*[0-9]*$ ]] || bad_arguments "--device takes a name as 'krait devices' has it, not '$device'"
done
# once WORD...: a line each, the second of two alike left out.
once() { printf '%s\n' "$@" | awk '!seen[$0]++'; }
if ((${#devices[@]} > 0)); then mapfile -t devices < <(once "${devices[@]}"); fi
IFS=, read -ra shapes <<<"$models"
mapfile -t shapes < <(once "${shapes[@]}")
if ((quick)); then shapes=(); fi
command -v python3 >/dev/null || { echo "gpu_check.sh: python3 is needed, for the comparisons and the report" >&2; exit 1; }
mkdir -p "$out"
out="$(cd "$out" && pwd)"
rm -f "$out"/devices.txt "$out"/nvidia-smi.txt
# shellcheck source=tools/gpu_check_steps.sh
source "$root/tools/gpu_check_steps.sh"

# ---- build, devices --------------------------------------------------------------------------------------------------------

generator=()
if command -v ninja >/dev/null; then generator=(-G Ninja); fi
# What 'native' builds for compute capability 9.0 is sm_90, which has no warpgroups.
architectures=native
capabilities="$(timeout 20 nvidia-smi --query-gpu=compute_cap --format=csv,noheader 2>/dev/null | sort -u || true)"
if [[ "$capabilities" == 9.0 ]]; then architectures=90a-real; fi
cuda=(-DKRAIT_CUDA=AUTO "-DCMAKE_CUDA_ARCHITECTURES=$architectures")
# nvcc knows no native architecture where there is no such device.
if [[ -z "$capabilities" && ! -e /dev/nvidia0 ]]; then cuda=(-DKRAIT_CUDA=OFF); fi
if command -v nvidia-smi >/dev/null; then
    timeout 20 nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.max.sm,clocks.max.memory,power.limit --format=csv >"$out/nvidia-smi.txt" 2>&1 || true
fi

step "configure for $architectures" cmake "${generator[@]}" -B "$folder" -S "$root" -DCMAKE_BUILD_TYPE=Release \
    -DKRAIT_BUILD_TESTS=OFF "${cuda[@]}"
if [[ "$verdict" == passed ]]; then step "build" cmake --build "$folder" --parallel; fi
if [[ "$verdict" != passed ]]; then
    say "there is nothing to test: $verdict"
    exit 1
fi
krait="$folder/bin/krait"

step "devices" "$krait" devices
if [[ "$verdict" == passed ]] && ((${#devices[@]} == 0)); then
    # Of a device that is emulated no figure tells anything.
    mapfile -t devices < <(awk '/^(cuda|vulkan)[0-9]+ / && $2 != "emulated" { print $1 }' "$out/devices.txt")
    if ((${#devices[@]} == 0)); then
        cat "$out/devices.txt" >&2
        verdict="failed (there is none)"
        record "a GPU device" "$verdict" 0 devices.txt
    fi
fi
if ((${#devices[@]} == 0)); then
    say "no GPU device is known: $verdict; 'krait devices' tells why a plugin is not used"
    exit 1
fi
say "Devices: ${devices[*]}"

# capability DEVICE: as major * 10 + minor; 0 of what is no CUDA device.
capability() {
    local sm
    sm="$(grep -A1 "^$1 " "$out/devices.txt" | grep -oE 'sm_[0-9]+' || true)"
    sm="${sm#sm_}"
    echo "${sm:-0}"
}
is_cuda() { [[ "$1" =~ ^cuda[0-9]+$ ]]; }
has_pdl() { is_cuda "$1" && (($(capability "$1") >= 90)); }
has_wgmma() { is_cuda "$1" && [[ "$architectures" == 90a-real ]]; }

# ---- is it right -----------------------------------------------------------------------------------------------------------

# golden_logits DEVICE BASE CHUNK: BASE.gguf on the device against BASE.logits.npy.
golden_logits() {
    set -euo pipefail
    local tokens
    tokens="$(python3 "$root/tools/npy_compare.py" --list "$2.tokens.npy")"
    "$krait" logits "$2.gguf" --device "$1" --chunk "$3" --tokens "$tokens" --output "$scratch/logits.npy"
    python3 "$root/tools/npy_compare.py" "$scratch/logits.npy" "$2.logits.npy" --nmse 1e-9
}

# same_logits MODEL CHUNK DEVICE OTHER: 127 tokens on both, not a bit between them.
same_logits() {
    set -euo pipefail
    local tokens
    tokens="$(seq -s, 5 331 42000)"
    rm -f "$scratch"/one.npy "$scratch"/other.npy
    "$krait" logits "$scratch/$1.gguf" --device "$3" --chunk "$2" --tokens "$tokens" --output "$scratch/one.npy"
    "$krait" logits "$scratch/$1.gguf" --device "$4" --chunk "$2" --tokens "$tokens" --output "$scratch/other.npy"
    cmp "$scratch/one.npy" "$scratch/other.npy"
}
export root scratch krait
export -f golden_logits same_logits

# golden DEVICE[:OPTIONS]: whole models against logits that PyTorch and a plain loop agree on, in one run and token by token. They
# have 40 tokens: products of 64 rows and more, which are what wgmma is for, are in none of them.
golden() {
    local model chunk
    for model in mamba falcon_mamba mamba2; do
        for chunk in 512 1; do
            step "golden logits $model chunk $chunk $1" bash -c 'golden_logits "$@"' golden_logits "$1" "$root/tests/golden/$model" "$chunk"
        done
    done
}

# same MODEL CHUNK DEVICE OTHER
same() { step "same logits $1 chunk $2 $3 $4" bash -c 'same_logits "$@"' same_logits "$@"; }

# make_model MODEL SHAPE FORMAT: tried once. Whether to go on with it: also to list what is not run.
declare -A tried=()
make_model() {
    if [[ -z "${tried[$1]:-}" ]]; then
        step "random $1" "$krait" make-random "$scratch/$1.gguf" --like "$2" --type "$3"
        tried[$1]="$verdict"
    fi
    [[ -n "$stop" || "${tried[$1]}" == passed ]]
}

op_options=()
if ((quick)); then op_options=(--quick); fi
for device in "${devices[@]}"; do
    step "test-ops $device" "$krait" test-ops --device "$device" "${op_options[@]}"
    golden "$device"
    # Off without the option until a device has passed these.
    if has_wgmma "$device"; then
        step "test-ops $device:wgmma=on" "$krait" test-ops --device "$device:wgmma=on" --op mul_mat "${op_options[@]}"
    fi
    # With pdl a kernel may start before those in front of it have ended, but for the first of a program. A case of test-ops is a
    # program of one node: hardly any kernel of it has another in front. Whole models have: small ones, held against golden logits, and
    # random ones of published sizes, of which a bit is another where a kernel read too early. None did in these runs: no more is shown.
    if has_pdl "$device"; then
        golden "$device:pdl=on"
        for shape in mamba-130m mamba2-130m; do
            make_model "$shape-Q4_K" "$shape" Q4_K || continue
            for chunk in 512 1; do same "$shape-Q4_K" "$chunk" "$device" "$device:pdl=on"; done
            # Its kernel takes weights, which are constant, before it waits.
            if has_wgmma "$device"; then same "$shape-Q4_K" 512 "$device:wgmma=on" "$device:wgmma=on:pdl=on"; fi
        done
        step "test-ops $device:pdl=on" "$krait" test-ops --device "$device:pdl=on" --quick
        if has_wgmma "$device"; then
            step "test-ops $device:wgmma=on:pdl=on" "$krait" test-ops --device "$device:wgmma=on:pdl=on" --op mul_mat "${op_options[@]}"
        fi
    fi
done

# ---- how fast is it: a look at each model ----------------------------------------------------------------------------------

# bench MODEL DEVICE[:OPTIONS] NOTE ARGUMENT...
bench() {
    local model="$1" device="$2" note="$3"
    shift 3
    step "bench $model $device${note:+ $note}" "$krait" bench "$scratch/$model.gguf" --device "$device" --output json "$@"
}

# Format by format: a look at every model comes before the second look at one.
for format in Q4_K F16 Q8_0; do
    for shape in "${shapes[@]}"; do
        make_model "$shape-$format" "$shape" "$format" || continue
        for device in "${devices[@]}"; do
            bench "$shape-$format" "$device" "" -p 512 -n 128 -b 1
            bench "$shape-$format" "$device" "chain 16" -p 0 -n 128 -b 1 --chain 16
            if has_pdl "$device"; then bench "$shape-$format" "$device:pdl=on" "" -p 512 -n 128 -b 1; fi
            if has_wgmma "$device"; then bench "$shape-$format" "$device:wgmma=on" "" -p 512 -n 0; fi
        done
    done
done

# ---- products, beside cublasLt ---------------------------------------------------------------------------------------------

# products DEVICE[:OPTIONS] CASES
products() {
    step "products $1 $2" "$krait" test-ops --device "$1" --perf --shapes models --op mul_mat --case "$2" --output json
}

# cublaslt DEVICE ROWS: of the model whose products Krait's stand beside.
cublaslt() {
    if [[ -x "$folder/bin/cublaslt_bench" ]]; then
        step "cublasLt $1 $2 rows" "$folder/bin/cublaslt_bench" --device "${1#cuda}" --sizes 2.8b --rows "$2" --output json
    else
        skip "cublasLt $1 $2 rows" "cublaslt_bench was not built, there is no cublasLt beside nvcc"
    fi
}

# A step for each number of rows: a step that is cut off leaves no figures.
if ((quick == 0)); then
    for device in "${devices[@]}"; do
        for rows in 1 512 8 32 16; do
            if is_cuda "$device"; then cublaslt "$device" "$rows"; fi
            for format in F16 Q4_K Q8_0; do
                cases="$format.t$rows.*.2.8b.*"
                products "$device" "$cases"
                if ((rows == 1 || rows == 512)) && has_pdl "$device"; then products "$device:pdl=on" "$cases"; fi
                if ((rows == 512)) && has_wgmma "$device"; then
                    products "$device:wgmma=on" "$cases"
                    products "$device:wgmma=on:pdl=on" "$cases"
                fi
            done
        done
    done
fi

# sanitize TOOL DEVICE OP CASES
sanitize() {
    step "compute-sanitizer $1 $2 $3 $4" compute-sanitizer --tool "$1" --error-exitcode 9 "$krait" test-ops --device "$2" \
        --quick --jobs 1 --op "$3" --case "$4"
}

# ---- the rest --------------------------------------------------------------------------------------------------------------

for device in "${devices[@]}"; do
    if is_cuda "$device" && command -v compute-sanitizer >/dev/null; then
        for tool in memcheck racecheck synccheck; do
            sanitize "$tool" "$device" ssm_scan '*t5.h8*'
            # A step in parts, and a prompt in tiles; pairs, and tiles of sorted ones; and what goes before them.
            sanitize "$tool" "$device" attention 'F16.length513'
            sanitize "$tool" "$device" attention 'F16.chunk40'
            sanitize "$tool" "$device" mul_mat_experts 'Q4_K.e4.t?.*'
            sanitize "$tool" "$device" route_experts '*groups.bias.e64*'
            sanitize "$tool" "$device" rope '*'
            sanitize "$tool" "$device" kv_write '*t5.e64'
        done
    fi
    step "perf $device" "$krait" test-ops --device "$device" --perf
    if has_wgmma "$device"; then step "perf $device:wgmma=on" "$krait" test-ops --device "$device:wgmma=on" --op mul_mat --perf; fi
done

for shape in "${shapes[@]}"; do
    for format in Q4_K F16 Q8_0; do
        make_model "$shape-$format" "$shape" "$format" || continue
        for device in "${devices[@]}"; do
            bench "$shape-$format" "$device" "in full" -p 512,2048 -n 128 -b 1,8,32
            if has_pdl "$device"; then bench "$shape-$format" "$device:pdl=on" "chain 16" -p 0 -n 128 -b 1 --chain 16; fi
            if has_wgmma "$device"; then bench "$shape-$format" "$device:wgmma=on" "in full" -p 512,2048 -n 0; fi
        done
        rm -f "$scratch/$shape-$format.gguf"
    done
done
