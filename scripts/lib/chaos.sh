# shellcheck shell=bash
# Owns what of the harness belongs to a full run: storms, and a kill at every crash point, on both
# databases at once. Longer runs are made by hand; docs/figures.md has them.

: "${PAYFLOW_TEST_POSTGRES_URL:?}"

cargo build --locked --quiet --package toss-sandbox --package payflow-harness
# One after the other: the first must not lend its feature to the second.
cargo build --locked --quiet --bin payflow-crash --features crash-points
cargo build --locked --quiet --bin payflow
built=$(realpath "${CARGO_TARGET_DIR:-target}")/debug
sandbox=$built/toss-sandbox

chaos_on() {
  local database=$1
  "$built/harness" chaos storm --service "$built/payflow" --sandbox "$sandbox" \
    --database "$database" --rounds 20 >/dev/null
  "$built/harness" chaos crash --service "$built/payflow-crash" --sandbox "$sandbox" \
    --database "$database" --seeds 1
}

chaos_on sqlite &
on_sqlite=$!
chaos_on "$PAYFLOW_TEST_POSTGRES_URL" &
on_postgres=$!
# Both to their end, also where one of them fails.
well=0
wait "$on_sqlite" || well=1
wait "$on_postgres" || well=1
[ "$well" -eq 0 ]
