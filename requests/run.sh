#!/usr/bin/env bash
# Runs every request script; ends with an error on any surprise.
#
#   KEYS=data/dev-keys.json requests/run.sh    against the service that wrote this file
#   requests/run.sh                            against one that is built and started for it, whose
#                                              lines go to the file LOG where one is named
set -euo pipefail
cd "$(dirname "$0")/.."

start_service() {
  folder=$(mktemp -d)
  trap stop_service EXIT
  log=${LOG:-$folder/log}
  cargo build --locked --quiet --bin payflow
  BINARY=$(realpath "${CARGO_TARGET_DIR:-target}")/debug/payflow
  export BINARY
  scripts+=(step-up)
  bash requests/step-up.sh configure "$folder"
  (
    cd "$folder"
    PAYFLOW_SERVER__LISTEN=127.0.0.1:0 PAYFLOW_SANDBOX__LISTEN=127.0.0.1:0 \
      PAYFLOW_METRICS__LISTEN=127.0.0.1:0 PAYFLOW_SHOP__ENABLED=false \
      exec "$BINARY" --config step-up.toml
  ) >"$log" 2>&1 &
  service=$!
  KEYS=$folder/data/dev-keys.json
  export KEYS
  for _ in {1..300}; do
    ! grep -q '"payflowUrl": "http' "$KEYS" 2>/dev/null || return 0
    kill -0 "$service" 2>/dev/null || break
    sleep 0.1
  done
  cat "$log" >&2
  echo "the service does not start" >&2
  exit 1
}

stop_service() {
  if [[ -n ${service:-} ]]; then
    kill "$service" 2>/dev/null || true
    wait "$service" 2>/dev/null || true
  fi
  rm -rf "$folder"
}

scripts=(health prepare approve cancel tampered declined unknown list events stream webhooks access
  api-keys billing virtual-account)
[[ -n ${KEYS:-} ]] || start_service
for script in "${scripts[@]}"; do
  echo "$script"
  bash "requests/$script.sh"
done
echo "every answer was as expected"
