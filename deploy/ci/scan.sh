#!/usr/bin/env bash
# Scans manifests in a pipeline: writes the reports that are asked for, then says what was found and ends as
# `leastwise scan` does: 0 clean, 1 findings, 2 what cannot be read. All it takes is in its environment:
#
#   LEASTWISE_PATHS             files and folders, one a line
#   LEASTWISE_SNAPSHOT          files and folders with the RBAC of the cluster, one a line
#   LEASTWISE_POLICY            a violation policy
#   LEASTWISE_SEVERITY          from which severity on; HIGH
#   LEASTWISE_NAMESPACE         of objects that say none; default
#   LEASTWISE_FAIL_ON_FINDINGS  true (the default) or false
#   LEASTWISE_SARIF, LEASTWISE_JUNIT, LEASTWISE_MARKDOWN
#                               files to write; the last one is appended to
#   LEASTWISE_ANNOTATIONS       the form of what is printed: table (the default) or github
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"

# One argument for each line that is not empty, whatever else is in it.
lines() {
  local line
  while IFS= read -r line || [[ -n "$line" ]]; do
    [[ -z "${line//[[:space:]]/}" ]] || arguments+=("$@" "$line")
  done
}

arguments=(scan --severity "${LEASTWISE_SEVERITY:-HIGH}" --namespace "${LEASTWISE_NAMESPACE:-default}")
if [[ -n "${LEASTWISE_POLICY:-}" ]]; then arguments+=(--policy "$LEASTWISE_POLICY"); fi
lines --snapshot <<< "${LEASTWISE_SNAPSHOT:-}"
# A path is a path, even if it begins with a dash.
arguments+=(--)
before=${#arguments[@]}
lines <<< "${LEASTWISE_PATHS:-}"
if [[ ${#arguments[@]} -eq $before ]]; then
  echo 'no paths to scan' >&2
  exit 2
fi

# Options stand before the paths, and so before what is in the arguments already.
leastwise() {
  node "$root/packages/cli/bin/leastwise.js" "${arguments[0]}" "$@" "${arguments[@]:1}"
}

if [[ -n "${LEASTWISE_SARIF:-}" ]]; then leastwise -o sarif > "$LEASTWISE_SARIF"; fi
if [[ -n "${LEASTWISE_JUNIT:-}" ]]; then leastwise -o junit > "$LEASTWISE_JUNIT"; fi
if [[ -n "${LEASTWISE_MARKDOWN:-}" ]]; then leastwise -o markdown >> "$LEASTWISE_MARKDOWN"; fi

fail=()
if [[ "${LEASTWISE_FAIL_ON_FINDINGS:-true}" != false ]]; then fail=(--fail-on-findings); fi
# The Bash of macOS takes an empty list for one that was never set.
leastwise -o "${LEASTWISE_ANNOTATIONS:-table}" ${fail[@]+"${fail[@]}"}
