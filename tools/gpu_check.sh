#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds Krait on a machine with a GPU, tests and measures its GPU devices, and writes what came out as one JSON and one Markdown
# file (tools/gpu_report.py). Needs no network and no test framework: a compiler, CMake, fmt, CLI11, nlohmann-json, PCRE2,
# libexpected, xxhash, and for CUDA devices nvcc. What tells most comes first. See --help.

set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

usage() {
    cat <<'END'
tools/gpu_check.sh [--out DIR] [--device NAME]... [--build DIR] [--models LIST] [--quick] [--minutes N]

  --out DIR       where report.json and report.md go (default: build/gpu-check); models are made there too, 16 GiB of them
  --device NAME   a device as 'krait devices' names it (default: every cudaN and vulkanN that is there)
  --build DIR     build folder (default: build/gpu)
  --models LIST   shapes of random models to measure, with commas (default: mamba-2.8b,mamba-130m,mamba-1.4b)
  --quick         no models, and the op tests without what takes long
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
mkdir -p "$out"
out="$(cd "$out" && pwd)"
rm -f "$out"/devices.txt "$out"/nvidia-smi.txt
log="$out/log.txt"
: >"$log"
say() { printf '==> %s\n' "$*" | tee -a "$log" >&2; }

# ---- steps -----------------------------------------------------------------------------------------------------------------

results="$out/steps.tsv"
: >"$results"
record() { printf '%s\t%s\t%d\t%s\n' "$@" >>"$results"; }  # NAME VERDICT SECONDS FILE

stop=""     # why nothing more is run
child=""    # the step that runs
verdict=""  # of the last step

# step NAME COMMAND...: its output goes to a file of its own, verdict and seconds into the report. No step outlasts --minutes.
step() {
    local name="$1" started=$SECONDS status=0 limit=0 file
    shift
    if [[ -z "$stop" ]] && ((deadline > 0 && SECONDS >= deadline)); then stop="out of time"; fi
    if [[ -n "$stop" ]]; then
        skip "$name" "$stop"
        return
    fi
    if ((deadline > 0)); then limit=$((deadline - SECONDS)); fi  # 0 is no limit
    file="$out/$(tr -c 'a-zA-Z0-9\n' '_' <<<"$name").txt"
    say "$name"
    # Not in the foreground: there a signal would wait for the end of the step.
    timeout --kill-after=10 "$limit" "$@" >"$file" 2>&1 &
    child=$!
    wait "$child" || status=$?
    if [[ -n "$stop" ]]; then
        wait "$child" || true  # `interrupt` has told it
        verdict="cut off: $stop"
    elif ((status != 0 && deadline > 0 && SECONDS >= deadline)); then
        stop="out of time"
        verdict="cut off: $stop"
    elif ((status != 0)); then
        verdict="failed ($status)"
        tail -20 "$file" >&2
    else
        verdict=passed
    fi
    child=""
    record "$name" "$verdict" $((SECONDS - started)) "$(basename "$file")"
}

# skip NAME WHY: a step that the report lists, and that is not run.
skip() {
    verdict="not run: $2"
    record "$1" "$verdict" 0 ""
}

interrupt() {
    stop=interrupted
    if [[ -n "$child" ]]; then kill -TERM "$child" 2>/dev/null || true; fi
}
trap interrupt INT TERM HUP

finish() {
    local status=$?
    trap '' INT TERM HUP
    rm -f "$out"/*.gguf "$out"/*.gguf.partial
    python3 "$root/tools/gpu_report.py" "$out" || { ((status != 0)) || status=1; }
    if [[ "$stop" == interrupted ]]; then status=130; fi
    exit "$status"
}
trap finish EXIT

# ---- build, devices --------------------------------------------------------------------------------------------------------

generator=()
if command -v ninja >/dev/null; then generator=(-G Ninja); fi
# What 'native' builds for compute capability 9.0 is sm_90, which has no warpgroups.
architectures=native
capabilities="$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader 2>/dev/null | sort -u || true)"
if [[ "$capabilities" == 9.0 ]]; then architectures=90a-real; fi
if command -v nvidia-smi >/dev/null; then
    nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.max.sm,clocks.max.memory,power.limit --format=csv >"$out/nvidia-smi.txt" 2>&1 || true
fi

step "configure for $architectures" cmake "${generator[@]}" -B "$folder" -S "$root" -DCMAKE_BUILD_TYPE=Release \
    -DKRAIT_BUILD_TESTS=OFF -DKRAIT_CUDA=AUTO -DCMAKE_CUDA_ARCHITECTURES="$architectures"
if [[ "$verdict" == passed ]]; then step "build" cmake --build "$folder" --parallel; fi
if [[ "$verdict" != passed ]]; then
    say "there is nothing to test: $verdict"
    exit 1
fi
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

# capability DEVICE: as major * 10 + minor; 0 of what is no CUDA device.
capability() {
    local sm
    sm="$(grep -A1 "^$1 " "$out/devices.txt" | grep -oE 'sm_[0-9]+' || true)"
    sm="${sm#sm_}"
    echo "${sm:-0}"
}
has_pdl() { [[ "$1" == cuda* ]] && (($(capability "$1") >= 90)); }
has_wgmma() { [[ "$1" == cuda* && "$architectures" == 90a-real ]]; }

# ---- is it right -----------------------------------------------------------------------------------------------------------

# golden_logits DEVICE BASE CHUNK: BASE.gguf on the device against BASE.logits.npy.
golden_logits() {
    set -euo pipefail
    local tokens
    tokens="$(python3 "$root/tools/npy_compare.py" --list "$2.tokens.npy")"
    "$krait" logits "$2.gguf" --device "$1" --chunk "$3" --tokens "$tokens" --output "$out/logits.npy"
    python3 "$root/tools/npy_compare.py" "$out/logits.npy" "$2.logits.npy" --nmse 1e-9
}
export root out krait
export -f golden_logits

# golden DEVICE[:OPTIONS] MODEL CHUNK
golden() {
    step "golden logits $2 chunk $3 $1" bash -c 'golden_logits "$@"' golden_logits "$1" "$root/tests/golden/$2" "$3"
}

op_options=()
if ((quick)); then op_options=(--quick); fi
for device in "${devices[@]}"; do
    step "test-ops $device" "$krait" test-ops --device "$device" "${op_options[@]}"
    # Whole models against logits that PyTorch and a plain loop agree on, in one run and token by token.
    for model in mamba falcon_mamba mamba2; do
        for chunk in 512 1; do golden "$device" "$model" "$chunk"; done
    done
    # Off without the option until a device has passed these.
    if has_wgmma "$device"; then
        step "test-ops $device:wgmma=on" "$krait" test-ops --device "$device:wgmma=on" --op mul_mat "${op_options[@]}"
    fi
    if has_pdl "$device"; then
        step "test-ops $device:pdl=on" "$krait" test-ops --device "$device:pdl=on" "${op_options[@]}"
        for model in mamba falcon_mamba mamba2; do golden "$device:pdl=on" "$model" 1; done
    fi
done

# ---- how fast is it: a look at each model ----------------------------------------------------------------------------------

# make_model MODEL SHAPE FORMAT: tried once. Whether to go on with it: also to list what is not run.
declare -A tried=()
make_model() {
    if [[ -z "${tried[$1]:-}" ]]; then
        tried[$1]=1
        step "random $1" "$krait" make-random "$out/$1.gguf" --like "$2" --type "$3"
    fi
    [[ -n "$stop" || -e "$out/$1.gguf" ]]
}

# bench MODEL DEVICE[:OPTIONS] NOTE ARGUMENT...
bench() {
    local model="$1" device="$2" note="$3"
    shift 3
    step "bench $model $device${note:+ $note}" "$krait" bench "$out/$model.gguf" --device "$device" --output json "$@"
}

shapes=()
if ((quick == 0)); then IFS=, read -ra shapes <<<"$models"; fi
for shape in "${shapes[@]}"; do
    for format in Q4_K F16 Q8_0; do
        make_model "$shape-$format" "$shape" "$format" || continue
        for device in "${devices[@]}"; do
            bench "$shape-$format" "$device" "" -p 512 -n 128 -b 1
            bench "$shape-$format" "$device" "chain 16" -p 0 -n 128 -b 1 --chain 16
            if has_pdl "$device"; then bench "$shape-$format" "$device:pdl=on" "" -p 0 -n 128 -b 1; fi
            if has_wgmma "$device"; then bench "$shape-$format" "$device:wgmma=on" "" -p 512 -n 0; fi
        done
    done
done

# ---- products, beside cublasLt ---------------------------------------------------------------------------------------------

# products DEVICE[:OPTIONS] CASES
products() {
    step "products $1 $2" "$krait" test-ops --device "$1" --perf --shapes models --op mul_mat --case "$2" --output json
}

if ((quick == 0)); then
    for device in "${devices[@]}"; do
        if [[ "$device" == cuda* && -x "$folder/bin/cublaslt_bench" ]]; then
            step "cublasLt $device" "$folder/bin/cublaslt_bench" --device "${device#cuda}" --output json
        elif [[ "$device" == cuda* ]]; then
            skip "cublasLt $device" "cublaslt_bench was not built, there is no cublasLt beside nvcc"
        fi
        for format in F16 Q4_K Q8_0; do
            products "$device" "$format.*.2.8b.*"
            if has_wgmma "$device"; then products "$device:wgmma=on" "$format.t512.*.2.8b.*"; fi
        done
    done
fi

# ---- the rest --------------------------------------------------------------------------------------------------------------

for device in "${devices[@]}"; do
    if [[ "$device" == cuda* ]] && command -v compute-sanitizer >/dev/null; then
        for tool in memcheck racecheck synccheck; do
            step "compute-sanitizer $tool $device" compute-sanitizer --tool "$tool" --error-exitcode 9 "$krait" test-ops --device "$device" \
                --quick --jobs 1 --case '*t5.h8*'
        done
    fi
    step "perf $device" "$krait" test-ops --device "$device" --perf
    if has_wgmma "$device"; then step "perf $device:wgmma=on" "$krait" test-ops --device "$device:wgmma=on" --op mul_mat --perf; fi
done

for shape in "${shapes[@]}"; do
    for format in Q4_K F16 Q8_0; do
        make_model "$shape-$format" "$shape" "$format" || continue
        for device in "${devices[@]}"; do
            # It measures the machine's ceilings first.
            bench "$shape-$format" "$device" "in full" -p 512,2048 -n 128 -b 1,8,32
            if has_pdl "$device"; then bench "$shape-$format" "$device:pdl=on" "chain 16" -p 0 -n 128 -b 1 --chain 16; fi
            if has_wgmma "$device"; then bench "$shape-$format" "$device:wgmma=on" "in full" -p 512,2048 -n 0; fi
        done
        rm -f "$out/$shape-$format.gguf"
    done
done
