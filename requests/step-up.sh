#!/usr/bin/env bash
# Runs the example of docs/step-up.md, word for word: a member on a new device proves themselves.
#
#   requests/step-up.sh configure FOLDER     writes the settings that the service is started with
#   requests/step-up.sh                      the rest, with the program BINARY and the file KEYS
set -euo pipefail
document=$(dirname "$0")/../docs/step-up.md
# shellcheck disable=SC2016 # the marks of a block of code
example=$(sed -n '/^```sh$/,/^```$/p' "$document" | grep -v '^```')
restart='/^# Start it again/'

if [[ ${1:-} == configure ]]; then
  mkdir -p "$2/data"
  cd "$2"
  eval "$(sed "$restart,\$d" <<<"$example")"
  exit
fi

# The example says `cargo run -q -- …`, as its reader has to.
cargo() { "${BINARY:?}" "${@:4}"; }

cd "$(dirname "${KEYS:?}")/.."
told=$(eval "$(sed "1,${restart}d" <<<"$example")")
wanted='["STEP_UP_REQUIRED",null]
["OK","DONE"]'
if [[ $told != "$wanted" ]]; then
  printf 'wanted:\n%s\ntold:\n%s\n' "$wanted" "$told" >&2
  exit 1
fi
