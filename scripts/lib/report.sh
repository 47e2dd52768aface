# shellcheck shell=bash
# Owns the report of what is refused and what is not shown: what it has to have, and how it is told.

: "${run_dir:?}"
: "${mode:?}"

# Every test adds its lines to this file (tests/support/report.rs).
export PAYFLOW_TEST_REPORT=$run_dir/report.tsv

# A suite that is on the list and has not reported was deleted, or renamed, or did not run. One that
# has reported and is not on the list belongs here.
report_suites=(
  "JWT attack vectors refused"
  "authorisation cells"
  "step-up attacks refused"
  "HTTP edge cases"
  "idempotency cases"
  "unsafe configurations refused"
  "canaries, json lines"
  "canaries, pretty lines"
  "forged webhooks refused"
  "webhook targets refused"
)
[ "$mode" = quick ] || report_suites+=("release binary")

# Arguments: name, what was found, ok or FAILED.
report_row() {
  printf 'suite\t%s\t%s\t%s\n' "$3" "$1" "$2" >>"$PAYFLOW_TEST_REPORT"
}

print_report() {
  local suite verdict found well=0
  touch "$PAYFLOW_TEST_REPORT"
  for suite in "${report_suites[@]}"; do
    verdict=missing found=-
    IFS=$'\t' read -r verdict found < <(reported "$suite") || true
    printf '%-30s  %-8s  %s\n' "$suite" "$verdict" "$found"
    [ "$verdict" = ok ] || well=1
  done
  while read -r suite; do
    printf '%-30s  not on the list of scripts/lib/report.sh\n' "$suite"
    well=1
  done < <(cut -s -f 3 <(grep '^suite' "$PAYFLOW_TEST_REPORT") | sort -u |
    grep -vxFf <(printf '%s\n' "${report_suites[@]}"))
  print_logs || well=1
  return "$well"
}

# The last word of a suite: verdict and what was found. Nothing where it has not reported.
reported() {
  awk -F '\t' -v suite="$1" '
    $1 == "suite" && $3 == suite { line = $2 "\t" $4 }
    END { print line ? line : "missing\t-" }' "$PAYFLOW_TEST_REPORT"
}

# What every service of every test has said at TRACE, which was looked through when it ended.
print_logs() {
  awk -F '\t' '
    $1 == "log" { logs++; bytes += $2; hits += $3 }
    END {
      well = logs > 0 && bytes > 0 && hits == 0
      printf "%-30s  %-8s  %d hits in %d logs of services at TRACE, %.1f MB\n",
        "secrets in logs", well ? "ok" : "FAILED", hits, logs, bytes / 1e6
      exit !well
    }' "$PAYFLOW_TEST_REPORT"
}

# Keys, secrets and tokens by how they begin, as they are and in the three ways base64 can put them.
report_secrets='[sp]k_(test|live)_[A-Za-z0-9_-]{16}|(test|live)_g?sk_[A-Za-z0-9_-]{16}'
report_secrets+='|whsec_[A-Za-z0-9+/]{16}'
report_secrets+='|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8}'
report_secrets+='|(c2tfdGVzdF|NrX3Rlc3Rf|za190ZXN0X)[A-Za-z0-9+/]{16}'

# Fails when a secret is in a log that was written at TRACE. Argument: the log.
look_through_log() {
  local log=$1 hits
  hits=$(grep -acE "$report_secrets" "$log" || true)
  grep -aq TRACE "$log" || { say "$log was not written at TRACE"; return 1; }
  printf 'log\t%s\t%s\n' "$(stat -c %s "$log")" "$hits" >>"$PAYFLOW_TEST_REPORT"
  [ "$hits" -eq 0 ] || { grep -aE -m 3 "$report_secrets" "$log" | cut -c 1-400 >&2; return 1; }
}
