# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# The steps of tools/gpu_check.sh, which sources this: each runs in the time that is left, and stands in the report whatever comes of it.
# Sets traps: however the script ends, there is a report. Before: `root`; `out`, a folder that exists; `deadline`, in $SECONDS, 0 = none.

: "${root:?}" "${out:?}" "${deadline:?}"
log="$out/log.txt"
: >"$log"
say() { printf '==> %s\n' "$*" | tee -a "$log" >&2; }

results="$out/steps.tsv"
: >"$results"
record() { printf '%s\t%s\t%d\t%s\n' "$@" >>"$results"; }  # NAME VERDICT SECONDS FILE

# What the script makes and nobody wants afterwards. Everything else in `out` may be somebody's.
scratch="$(mktemp -d "$out/models.XXXXXX")"

stop=""     # why nothing more is run
child=""    # the step that runs
verdict=""  # of the last step

# file_of NAME: where the output of the step lies; what it wrote to standard error lies beside it, as .err.
file_of() { printf '%s/%s.txt' "$out" "$(tr -c 'a-zA-Z0-9\n' '_' <<<"$1")"; }

# step NAME COMMAND...: its output goes to files of its own, verdict and seconds into the report. No step outlasts --minutes.
step() {
    local name="$1" started=$SECONDS status=0 limit=0 file
    shift
    if [[ -z "$stop" ]] && ((deadline > 0 && SECONDS >= deadline)); then stop="out of time"; fi
    if [[ -n "$stop" ]]; then
        skip "$name" "$stop"
        return
    fi
    if ((deadline > 0)); then limit=$((deadline - SECONDS)); fi  # 0 is no limit
    file="$(file_of "$name")"
    say "$name"
    # Not in the foreground: there a signal would wait for the end of the step.
    timeout --kill-after=10 "$limit" "$@" >"$file" 2>"${file%.txt}.err" &
    child=$!
    [[ -z "$stop" ]] || kill -TERM "$child" 2>/dev/null || true  # `interrupt` came before there was a child to tell
    wait "$child" || status=$?
    # A signal ends `wait`, and so does another one the next.
    while kill -0 "$child" 2>/dev/null; do wait "$child" || true; done
    child=""
    if [[ -n "$stop" ]]; then
        verdict="cut off: $stop"
    elif ((deadline > 0 && SECONDS >= deadline && (status == 124 || status == 137))); then  # timeout's own, and of its KILL
        stop="out of time"
        verdict="cut off: $stop"
    elif ((status != 0)); then
        verdict="failed ($status)"
        tail -q -n 20 "$file" "${file%.txt}.err" >&2
    else
        verdict=passed
    fi
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
    rm -rf "$scratch"
    python3 "$root/tools/gpu_report.py" "$out" || { ((status != 0)) || status=1; }
    if [[ "$stop" == interrupted ]]; then status=130; fi
    exit "$status"
}
trap finish EXIT
