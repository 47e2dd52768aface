# shellcheck shell=bash
# Owns the course of a run: one step after the other, all of them, then who failed; and that
# nothing the run started outlives it.

: "${run_dir:?}"
: "${mode:?}"

step_pid=""
failed=()
summary=()

# Arguments: the rows of the table of steps.
run_steps() {
  local row name modes needed function
  for row in "$@"; do
    read -r name modes needed function <<<"$row"
    [[ ",$modes," == *",$mode,"* ]] || continue
    [[ " ${PAYFLOW_TEST_STEPS:-$name} " == *" $name "* ]] || continue
    if [ "$needed" != - ] && [ ! -e "$needed" ]; then
      summary+=("$(printf '%-9s absent: no %s' "$name" "$needed")")
      continue
    fi
    run_step "$name" "$function"
  done
  print_summary
  [ "${#failed[@]}" -eq 0 ]
}

# A step runs as a job with a process group of its own: a signal to the script is then handled at
# once, not when the step is over, and everything the step started can be stopped with it.
run_step() {
  local name=$1 function=$2 started=$SECONDS result=0
  say "==> $name"
  set -m
  (
    set +m
    "$function"
  ) </dev/null &
  step_pid=$!
  set +m
  wait "$step_pid" || result=$?
  step_pid=""
  local took=$((SECONDS - started)) verdict=ok
  if [ "$result" -ne 0 ]; then
    verdict="FAILED ($result)"
    failed+=("$name")
  fi
  say "==> $name: $verdict, $took s"
  summary+=("$(printf '%-9s %4d s  %s' "$name" "$took" "$verdict")")
}

# The last lines are the test runner's own, so that whoever reads only the end sees the count.
print_summary() {
  say ""
  printf '%s\n' "${summary[@]}"
  say "total     $(printf '%4d' "$SECONDS") s"
  if [ -s "$run_dir/nextest.log" ]; then
    grep -E '^ *Summary ' "$run_dir/nextest.log" | tail -n 1 || true
  fi
  [ "${#failed[@]}" -eq 0 ] || say "FAILED: ${failed[*]}"
}

stop_everything() {
  local result=$?
  trap - EXIT
  trap '' INT TERM
  [ -z "$step_pid" ] || stop_step
  stop_postgres
  rm -rf "$run_dir"
  exit "$result"
}

stop_step() {
  kill -TERM -- "-$step_pid" 2>/dev/null || return 0
  for _ in $(seq 100); do
    kill -0 -- "-$step_pid" 2>/dev/null || return 0
    sleep 0.1
  done
  kill -KILL -- "-$step_pid" 2>/dev/null || true
}
