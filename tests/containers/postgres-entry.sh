#!/bin/sh
# What the official image's entry point does of what compose.yaml asks: a new cluster whose one user has the given password.
set -eu
data=/var/lib/postgresql/data
if [ ! -s "$data/PG_VERSION" ]; then
  initdb --pgdata "$data" --username "$POSTGRES_USER" --pwfile "$POSTGRES_PASSWORD_FILE" $POSTGRES_INITDB_ARGS
  printf 'host all all all %s\n' "$POSTGRES_HOST_AUTH_METHOD" >> "$data/pg_hba.conf"
  PGPASSWORD=$(cat "$POSTGRES_PASSWORD_FILE")
  export PGPASSWORD
  pg_ctl --pgdata "$data" --wait --options "-c listen_addresses='' -c unix_socket_directories=/var/run/postgresql" start
  createdb --host /var/run/postgresql --username "$POSTGRES_USER" "$POSTGRES_DB"
  pg_ctl --pgdata "$data" --wait --mode fast stop
  unset PGPASSWORD
fi
exec postgres -D "$data" -c 'listen_addresses=*' -c unix_socket_directories=/var/run/postgresql
