#!/usr/bin/env bash
# The step of action.yml: one reading of the logs, annotations on standard output, the job summary, reports, outputs.
set -euo pipefail

lines() { # the lines of $1 that are not blank, into the array `found`
    found=()
    while IFS= read -r line; do
        [[ -z "${line//[[:space:]]/}" ]] || found+=("$line")
    done <<<"$1"
}

lines "$INPUT_PATHS"
paths=("${found[@]}")
options=(--format github --fail-on "$INPUT_FAIL_ON")
[[ -z "$INPUT_SELECT" ]] || options+=(--select "$INPUT_SELECT")
[[ -z "$INPUT_IGNORE" ]] || options+=(--ignore "$INPUT_IGNORE")
[[ -z "$INPUT_BASELINE" ]] || options+=(--baseline "$INPUT_BASELINE")
lines "$INPUT_CONFIG"
for setting in ${found[@]+"${found[@]}"}; do
    options+=(--config "$setting")
done

mkdir -p "$INPUT_REPORT"
for form in json html sarif; do
    options+=(--also "$form=$INPUT_REPORT/report.$form")
done
summary=$(mktemp)
code=0
trainvitals check "${options[@]}" --also "markdown=$summary" -- "${paths[@]}" || code=$?
cat "$summary" >>"${GITHUB_STEP_SUMMARY:-/dev/null}"
rm -f "$summary"

if [[ -s "$INPUT_REPORT/report.json" ]]; then
    python3 - "$INPUT_REPORT" >>"${GITHUB_OUTPUT:-/dev/null}" <<'PYTHON'
import json, sys

with open(f"{sys.argv[1]}/report.json", encoding="utf-8") as file:
    runs = json.load(file)["runs"]
verdicts = {run["verdict"] for run in runs}
worst = next((word for word in ("fail", "warn", "unknown", "pass") if word in verdicts), "unknown")
found = sum(finding["severity"] != "info" for run in runs for finding in run["findings"])
print(f"verdict={worst}\nfindings={found}")
PYTHON
    echo "report=$INPUT_REPORT" >>"${GITHUB_OUTPUT:-/dev/null}"
fi
exit "$code"
