#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
# Set-up, linters, types, import rules, the documents' site and every test; arguments go to pytest (./test.sh tests/unit -k calibration).
# ./test.sh --fast: the same with the unit tests that are not marked slow, for every change on the way.
# The tests run in TEST_WORKERS processes (default 4, 0: in one that stops where a debugger does), a file in one of them.
# Every stage runs even when an earlier one failed; the exit code is 0 only when all passed. pytest's closing line comes last.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 2
if [[ ${1:-} == --fast ]]; then
    shift
    set -- tests/unit -m "not slow" "$@"
    : "${TEST_WORKERS:=2}" # they wait for nothing: more than two cores have only begin more often
fi
scripts/setup.sh --dev || exit $?

BIN=.venv/bin
failed=()
stage() { # name, command...
    local name=$1
    shift
    printf '== %s\n' "$name"
    "$@" || failed+=("$name")
}

# Types take longer than all the others together: beside them, and beside the tests where all of these run. They give way to
# the tests, and take what is left while those that must be alone wait. What they said is told in one piece when it is known.
check_types() {
    local said code
    said=$(nice -n 19 "$BIN/mypy" 2>&1)
    code=$?
    printf '== mypy\n%s\n' "$said"
    return "$code"
}
check_types &
types=$!

stage "ruff check" "$BIN/ruff" check --quiet .
stage "ruff format" "$BIN/ruff" format --check --quiet .
stage "import rules" "$BIN/lint-imports" --no-cache
stage "documents" env NO_MKDOCS_2_WARNING=1 "$BIN/mkdocs" build --strict --quiet
(($# == 0)) || wait "$types" || failed+=("mypy")
((${#failed[@]} == 0)) || printf '== failed before the tests: %s\n' "$(IFS=,; echo "${failed[*]}")"
printf '== pytest\n'
"$BIN/python" -m pytest -n "${TEST_WORKERS:-4}" --dist loadfile --no-loadscope-reorder "$@"
tests=$?
(($#)) || wait "$types" || { failed+=("mypy"); printf '== failed beside the tests: mypy\n' >&2; }
((tests == 0 && ${#failed[@]} == 0))
