#!/usr/bin/env bash
# Checks a pull request of Buildkite for drift, and shows what was found as an annotation of the build.
set -euo pipefail

git fetch --quiet origin "$BUILDKITE_PULL_REQUEST_BASE_BRANCH"
base=$(git merge-base FETCH_HEAD "$BUILDKITE_COMMIT")

rm -f summary.md
code=0
calibrate drift "$base..$BUILDKITE_COMMIT" \
    --evaluator "python3 driver.py" --workload contracts --metrics cpu,memory --limits limits.toml \
    --json --markdown summary.md --junit junit.xml >verdict.json || code=$?
if [[ ! -s summary.md ]]; then exit "$code"; fi

case $code in
0) style=success ;;
1) style=error ;;
*) style=warning ;;
esac
# A context has one annotation, which is written anew.
buildkite-agent annotate --context drift --style "$style" <summary.md
calibrate report verdict.json --out page.html
exit "$code"
