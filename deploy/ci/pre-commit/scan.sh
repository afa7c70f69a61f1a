#!/usr/bin/env bash
# The hook of pre-commit, which clones this repository: installs once for each version, then scans.
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)"
if [[ ! -f "$root/packages/cli/dist/main.js" ]]; then
  (cd "$root" && npm ci --no-audit --no-fund) >&2
fi
exec node "$root/packages/cli/bin/leastwise.js" scan "$@"
