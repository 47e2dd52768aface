# shellcheck shell=bash
# Owns the private PostgreSQL of one run: durable settings, a folder and a port of its own.

: "${run_dir:?}"

postgres_dir=""
postgres_bin=""

# PostgreSQL refuses to run as root; the package brings the user it runs as instead.
as_postgres() {
  if [ "$(id -u)" -eq 0 ]; then
    setpriv --reuid=postgres --regid=postgres --init-groups --inh-caps=-all \
      env HOME="$postgres_dir" "$@"
  else
    "$@"
  fi
}

# The newest installed server: Debian keeps its programs out of PATH.
find_postgres_bin() {
  local found
  found=$(find /usr/lib/postgresql -path '*/bin/initdb' 2>/dev/null | sort -V | tail -n 1)
  [ -n "$found" ] && dirname "$found"
}

# Starts the cluster and exports PAYFLOW_TEST_POSTGRES_URL. fsync stays on: the crash tests
# kill processes in the middle of a commit, and one kind of cluster is easier to reason about.
start_postgres() {
  postgres_bin=$(find_postgres_bin) || die "no PostgreSQL server found"
  local dir=$1 owner=()
  [ "$(id -u)" -eq 0 ] && owner=(-o postgres -g postgres)
  install -d -m 0700 "${owner[@]}" "$dir" "$dir/socket"
  postgres_dir=$dir
  (cd "$dir" && as_postgres "$postgres_bin/initdb" -D "$dir/data" -U postgres --auth=trust \
    --encoding=UTF8 --locale=C.UTF-8 --no-sync) >"$run_dir/initdb.log" 2>&1 ||
    { cat "$run_dir/initdb.log" >&2; die "initdb failed"; }

  # PostgreSQL cannot be asked for "any free port": draw below the range the kernel hands out
  # to clients, and draw again when it is taken.
  local port
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    port=$((20000 + RANDOM % 12000))
    if postgres_listens "$port"; then
      export PAYFLOW_TEST_POSTGRES_URL="postgres://postgres@127.0.0.1:$port/postgres"
      say "PostgreSQL: $("$postgres_bin/postgres" --version), port $port"
      return
    fi
  done
  as_postgres cat "$dir/log" >&2
  die "PostgreSQL did not start"
}

postgres_listens() {
  local settings="-p $1 -k $postgres_dir/socket -c listen_addresses=127.0.0.1"
  settings+=" -c max_connections=300 -c shared_buffers=128MB"
  (cd "$postgres_dir" && as_postgres "$postgres_bin/pg_ctl" -D "$postgres_dir/data" -w -t 60 \
    -l "$postgres_dir/log" -o "$settings" start) >/dev/null 2>&1
}

# The cluster is thrown away: it need not be shut down cleanly.
stop_postgres() {
  [ -n "$postgres_dir" ] && [ -e "$postgres_dir/data/postmaster.pid" ] || return 0
  (cd "$postgres_dir" && as_postgres "$postgres_bin/pg_ctl" -D "$postgres_dir/data" \
    -m immediate -w -t 30 stop) >/dev/null 2>&1 || say "PostgreSQL was already gone"
}
