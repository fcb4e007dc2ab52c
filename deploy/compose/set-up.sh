#!/bin/sh
# Prepares a clone for `docker compose up -d`: writes .env and makes the secrets. What is there already stays as it is, so it
# may be run again. It starts nothing and needs no root.
set -eu

usage() {
  cat <<'TEXT'
Usage: deploy/compose/set-up.sh [options]

  (none)                       for this machine alone: http://localhost:3000
  --host NAME                  for others, at https://NAME (needs one of the next two)
  --certificate F --key F      TLS by these PEM files: the certificate with its chain, and its key
  --acme EMAIL                 TLS by ACME (Let's Encrypt): NAME must lead here, and port 80 be reachable
  --api-key-file F             the key for the model; else an administrator enters one in the page
TEXT
}

fail() {
  printf '%s\n' "$1" >&2
  exit 1
}

host='' certificate='' key='' email='' api_key_file=''
while [ $# -gt 0 ]; do
  option=$1
  case $option in
    --help) usage; exit 0 ;;
    --host | --certificate | --key | --acme | --api-key-file) [ $# -ge 2 ] || fail "$option needs a value. See --help." ;;
    *) usage >&2; fail "Unknown: $option" ;;
  esac
  case $option in
    --host) host=$2 ;;
    --certificate) certificate=$2 ;;
    --key) key=$2 ;;
    --acme) email=$2 ;;
    --api-key-file) api_key_file=$2 ;;
  esac
  shift 2
done

case $host in
  '') [ -z "$certificate$key$email" ] || fail 'A certificate is for a name: give --host too.' ;;
  *[!A-Za-z0-9.-]* | -* | .*) fail "This is no host name: $host" ;;
  *)
    [ -n "$email" ] || [ -n "$certificate" ] || fail 'With --host give --certificate and --key, or --acme.'
    [ -z "$email" ] || [ -z "$certificate" ] || fail 'Give --certificate and --key, or --acme, not both.'
    ;;
esac
[ -z "$certificate" ] || [ -n "$key" ] || fail '--certificate needs --key.'
[ -z "$key" ] || [ -n "$certificate" ] || fail '--key needs --certificate.'
case $email in *[!A-Za-z0-9.@_+-]*) fail "This is no e-mail address: $email" ;; esac
for file in "$certificate" "$key" "$api_key_file"; do
  [ -z "$file" ] || [ -r "$file" ] || fail "$file cannot be read."
done
# From where it was called, before the folder changes.
absolute() {
  case $1 in '' | /*) printf '%s' "$1" ;; *) printf '%s/%s' "$(pwd)" "$1" ;; esac
}
certificate=$(absolute "$certificate")
key=$(absolute "$key")
api_key_file=$(absolute "$api_key_file")

cd "$(dirname "$0")/../.."
[ -f compose.yaml ] || fail 'compose.yaml is missing: run this script where it lies in the clone.'

# The folder is closed to others on this machine. The files in it are not, since each is mounted alone, for a container's user.
secrets=secrets
umask 077
mkdir -p "$secrets"
chmod 0700 "$secrets"
put() {
  # Whole or not at all; what is there stays.
  if [ -e "$secrets/$1" ]; then
    cat > /dev/null
    return 0
  fi
  cat > "$secrets/$1.new"
  chmod 0444 "$secrets/$1.new"
  mv "$secrets/$1.new" "$secrets/$1"
  printf 'made %s/%s\n' "$secrets" "$1"
}
head -c 32 /dev/urandom | base64 | tr -d '\n' | put master_key
for name in database_password redis_password metrics_token; do
  head -c 24 /dev/urandom | od -An -v -tx1 | tr -d ' \n' | put "$name"
done
if [ -n "$api_key_file" ]; then
  rm -f "$secrets/claude_api_key"
  tr -d '\r\n' < "$api_key_file" | put claude_api_key
else
  : | put claude_api_key
fi
mkdir -p "$secrets/tls" "$secrets/acme/webroot"
chmod 0755 "$secrets/tls" "$secrets/acme" "$secrets/acme/webroot"
if [ -n "$certificate" ]; then
  cat "$certificate" > "$secrets/tls/fullchain.pem.new"
  cat "$key" > "$secrets/tls/privkey.pem.new"
  chmod 0444 "$secrets/tls/fullchain.pem.new" "$secrets/tls/privkey.pem.new"
  mv "$secrets/tls/privkey.pem.new" "$secrets/tls/privkey.pem"
  mv "$secrets/tls/fullchain.pem.new" "$secrets/tls/fullchain.pem"
fi

if [ -e .env ]; then
  printf '.env is there already and stays as it is. To make a new one, move it away and run this again.\n'
else
  socket=${DOCKER_SOCKET:-/var/run/docker.sock}
  group=$(stat -L -c %g "$socket" 2> /dev/null) ||
    fail "There is no Docker socket at $socket. Install Docker, or name it: DOCKER_SOCKET=/path $0"
  # Who fetches certificates is never root.
  owner=$(id -u) group_of_owner=$(id -g)
  if [ -n "$email" ] && [ "$owner" = 0 ]; then
    owner=10001 group_of_owner=10001
    chown -R 10001:10001 "$secrets/tls" "$secrets/acme"
  fi
  profiles='' url=http://localhost:3000
  [ -z "$host" ] || profiles=tls url=https://$host
  [ -z "$email" ] || profiles=tls,acme
  {
    printf '# Written by deploy/compose/set-up.sh; .env.example explains each variable and has others.\n'
    printf 'PUBLIC_URL=%s\n' "$url"
    printf 'SECRETS_DIR=./%s\n' "$secrets"
    printf 'DOCKER_SOCKET=%s\nDOCKER_GID=%s\n' "$socket" "$group"
    if [ -n "$host" ]; then
      printf 'COMPOSE_PROFILES=%s\nPUBLIC_HOST=%s\n' "$profiles" "$host"
      [ -z "$email" ] || printf 'ACME_EMAIL=%s\nOWNER_UID=%s\nOWNER_GID=%s\n' "$email" "$owner" "$group_of_owner"
    fi
  } > .env.new
  chmod 0600 .env.new
  mv .env.new .env
  printf 'made .env\n'
fi
cat <<'TEXT'
Keep a copy of the secrets folder elsewhere: without secrets/master_key nothing that is encrypted can be read again.
Next: docker compose up -d
Then: docker compose logs api | grep one-time     (the link that sets it up)
TEXT
