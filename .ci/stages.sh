# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Shared by .ci/run and .ci/nightly: named stages, run one after another, each with its seconds. Sourced, not run.
#
#   stage NAME "WHAT IT DOES" COMMAND...   declares a stage; COMMAND is a program or a function of the script
#   run_stages "$@"                        runs those that are named, or all; handles --list and --help; its last line is
#                                          "N passed, N failed", and the exit code is 1 where a stage failed
#
# All stages run even where one fails; the last lines of those that failed stand once more in front of the summary. The stage
# "packages" runs in front of whatever is named, so that a stage can be run alone.
# Functions for stages: one_by_commit A B prints one of them, another one with every second commit (by its name);
# configure_sanitized PRESET SANITIZERS [CMAKE ARGUMENT...], judges TEMPLATES TEXTS, python_package [full], fuzz_for SECONDS.

# shellcheck source=scripts/dependencies.sh
source "$(dirname "${BASH_SOURCE[0]}")/../scripts/dependencies.sh"
cd "$root"

stage_names=()
declare -A stage_texts stage_commands

stage() {
    local name="$1" text="$2"
    shift 2
    stage_names+=("$name")
    stage_texts["$name"]="$text"
    stage_commands["$name"]="$(printf '%q ' "$@")"
}

list_stages() {
    local name
    for name in "${stage_names[@]}"; do printf '%-14s %s\n' "$name" "${stage_texts[$name]}"; done
}

# run_stage NAME: sets status, the exit code of its command, and seconds; what it prints also goes to $logs/NAME. Never to be
# called in a condition, where `set -e` is ignored, in subshells too.
run_stage() {
    local started=$SECONDS
    printf '\n======== %s: %s ========\n' "$1" "${stage_texts[$1]}"
    # A subshell of its own: `set -e` holds inside, and a failure ends the stage only. Nothing reads from a terminal.
    set +e
    (set -e; eval "${stage_commands[$1]}") </dev/null 2>&1 | tee "$logs/$1"
    status=${PIPESTATUS[0]}
    set -e
    seconds=$((SECONDS - started))
}

run_stages() {
    local name summary="" verdict failures="" passed=0 failed=0 seconds status started=$SECONDS logs
    local -a chosen=()
    for name in "$@"; do
        case "$name" in
            --list) list_stages; return 0 ;;
            -h | --help) printf '%s [--list | STAGE...]\n\nRuns the stages that are named, or all:\n\n' "${0#"$root"/}"; list_stages; return 0 ;;
            *) [[ -n "${stage_commands[$name]:-}" ]] || fail "there is no stage '$name'; --list names them" ;;
        esac
        if [[ "$name" != packages ]]; then chosen+=("$name"); fi
    done
    if (($# == 0)); then chosen=("${stage_names[@]}"); else chosen=(packages "${chosen[@]}"); fi

    logs="$(mktemp -d)"
    for name in "${chosen[@]}"; do
        run_stage "$name"
        if ((status == 0)); then
            passed=$((passed + 1)) verdict=passed
        else
            failed=$((failed + 1)) verdict="FAILED ($status)"
            failures+="$(printf '\n======== the last lines of %s ========\n' "$name"; tail -n 30 "$logs/$name")"$'\n'
        fi
        summary+="$(printf '%-14s %5d s  %s' "$name" "$seconds" "$verdict")"$'\n'
    done
    rm -rf "$logs"
    printf '%s\n======== summary ========\n%s%-14s %5d s\n\n%d passed, %d failed\n' "$failures" "$summary" all $((SECONDS - started)) "$passed" "$failed"
    ((failed == 0))
}

# without_cache VALUE: precompiled headers, where there is no ccache, which does not store what they make. The release build has them for
# tests alone: another file that leaves out an #include fails there.
without_cache() { if has_cache; then echo OFF; else echo "$1"; fi; }

# With a sanitizer, by clang.
configure_sanitized() {
    local preset="$1" sanitizers="$2"
    shift 2
    configure "$preset" -DKRAIT_BUILD_TESTS=ON -DKRAIT_WERROR=ON "-DKRAIT_SANITIZE=$sanitizers" "-DKRAIT_PCH=$(without_cache ON)" "$@"
}

one_by_commit() { if ((16#$(git rev-parse HEAD | cut -c1-7) % 2 == 0)); then echo "$1"; else echo "$2"; fi; }

# From PyPI. Another version may say something else, so that a stage would fail without a change of Krait's.
readonly -a kJudges=(jinja2==3.1.6 tokenizers==0.23.3 sentencepiece==0.2.1 tiktoken==0.14.0 protobuf==7.36.2 numpy==2.4.6 jsonschema==4.26.0 rfc3339-validator==0.1.4 llguidance==1.9.1)

# judge_environment FOLDER PACKAGE...: an environment of Python with these packages of PyPI, made where it is not there yet.
judge_environment() {
    local folder="$1"
    shift
    if [[ "$(cat "$folder/complete" 2>/dev/null)" != "$*" ]]; then
        python3 -m venv --clear "$folder"
        "$folder/bin/pip" install --quiet --disable-pip-version-check "$@"
        echo "$*" >"$folder/complete"
    fi
}

# judges TEMPLATES TEXTS [VOCABULARIES]: so many random chat templates through Krait and through jinja2, always the same; so many random texts
# through each kind of tokenizer and through those of others, and values through grammars of JSON schemas, other ones with each commit. The judges come from PyPI, into build/release/judges. With "real" the
# texts go through real vocabularies too, of Mistral and RWKV, which packages of PyPI have.
judges() {
    local python="$root/build/release/judges/bin/python" seed
    seed="$((16#$(git rev-parse HEAD | cut -c1-7)))"
    judge_environment build/release/judges "${kJudges[@]}"
    build release krait_render_lines krait_tokenize_lines krait_grammar_lines
    "$python" tests/text/chat_template_fuzz.py build/release/bin/krait_render_lines --seconds 600 --templates "$1"
    "$python" tests/text/tokenizer_fuzz.py build/release/bin/krait_tokenize_lines --texts "$2" --seed "$seed"
    "$python" tests/text/grammar_judges.py build/release/bin/krait_grammar_lines --seed "$seed"
    if [[ "${3:-}" == real ]]; then
        "$python" tests/text/tokenizer_fuzz.py build/release/bin/krait_tokenize_lines --real build/release/judges/real --texts "$2" --seed "$seed"
        "$python" tests/text/tokenizer_fuzz.py build/release/bin/krait_tokenize_lines --megabyte
    fi
}

# basedpyright is pyright with its program in the package.
readonly -a kPythonJudges=(pytest==9.2.0 hypothesis==6.170.17 numpy==2.4.6 pydantic==2.14.4 mypy==2.4.1 basedpyright==1.40.2)
# What the package works with, and needs not: the evaluation harness, and what executes notebooks.
readonly -a kPythonGuests=(lm-eval==0.4.13 nbclient==0.11.0 ipykernel==7.4.0 matplotlib==3.11.2)

# python_package [full]: the tests of python/ on the release build, mypy and pyright, and the wheel of that build in an empty environment. With "full"
# random calls and loads go on for long (KRAIT_TEST_EFFORT), the harness and the notebooks run, and the wheel is compiled as `pip install .` does.
python_package() {
    local environment="$root/build/release/python${1:+-$1}"
    if [[ "${1:-}" == full ]]; then
        judge_environment "$environment" "${kPythonJudges[@]}" "${kPythonGuests[@]}"
    else
        judge_environment "$environment" "${kPythonJudges[@]}"
    fi
    build release krait krait_command krait_plugins
    KRAIT_TEST_EFFORT="${1:-}" KRAIT_LIBRARY="$root/build/release/bin/libkrait.so" PYTHONPATH="$root/python" \
        "$environment/bin/python" -B -m pytest -q -p no:cacheprovider python/tests
    "$environment/bin/mypy" --cache-dir "$environment/mypy" -p krait
    "$environment/bin/basedpyright" --pythonpath "$environment/bin/python"
    if [[ "${1:-}" == full ]]; then
        scripts/python_wheel.sh --check build/wheels
    else
        scripts/python_wheel.sh --prebuilt build/release/bin --check build/wheels
    fi
}

readonly -a kClients=(openai==3.57.0 anthropic==2.14.0 ollama==0.6.3 schemathesis==4.32.5)

# Clients of others, as they come from PyPI, against krait serve with the demo model. They lie in build/release/clients.
clients() {
    local python="$root/build/release/clients/bin/python"
    judge_environment build/release/clients "${kClients[@]}"
    build release krait_command
    local test
    for test in openai_client anthropic_client ollama_client llamacpp_api openapi; do
        "$python" "tests/server/${test}_test.py" build/release/bin/krait
    done
}

# fuzz_for SECONDS: libFuzzer on the readers of GGUF, safetensors, PyTorch archives, tokenizers, chat templates and grammars, all together
# that long, in as many processes as there are processors.
fuzz_for() {
    mkdir -p build/fuzz
    say "Configuring build/fuzz"
    cmake -G Ninja -B build/fuzz -S . -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++ -DKRAIT_FUZZ=ON -DKRAIT_WERROR=ON \
        "-DKRAIT_FUZZ_SECONDS=$1" "-DKRAIT_FUZZ_PROCESSES=$(job_count)" >build/fuzz/configure.log 2>&1 || { cat build/fuzz/configure.log; return 1; }
    build fuzz fuzzers
    if ! ctest --test-dir build/fuzz --verbose --no-tests=error -R '^fuzz\.' >build/fuzz/run.log 2>&1; then
        tail -100 build/fuzz/run.log
        return 1
    fi
    grep -E '(Done [0-9]+ runs|tests passed)' build/fuzz/run.log | tail -6
}
