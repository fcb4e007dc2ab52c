#!/bin/sh
# Starts nginx with the templates beside this script, filled in from the environment: for PUBLIC_HOST over TLS, or with
# PAGE_LISTEN and API_LISTEN for this machine's own ports. Certificates that change are loaded anew. Where there is none yet (ACME
# has just begun), it serves the challenge and sends nobody on.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
PAGE_LISTEN=${PAGE_LISTEN:-}
API_LISTEN=${API_LISTEN:-}
: "${WEB:?WEB is missing: address and port of the web}"
if [ -n "$PAGE_LISTEN" ]; then
  : "${API:?API is missing: address and port of the api}" "${API_LISTEN:?API_LISTEN is missing: where the api is reached}"
else
  : "${PUBLIC_HOST:?PUBLIC_HOST is missing: the name by which people come. Set it in .env.}"
  : "${TLS_DIR:?TLS_DIR is missing: the folder with fullchain.pem and privkey.pem}"
fi
PUBLIC_HOST=${PUBLIC_HOST:-} TLS_DIR=${TLS_DIR:-/var/empty} API=${API:-}
RUN_DIR=${RUN_DIR:-/tmp/nginx}
ACME_DIR=${ACME_DIR:-/var/empty}
BASE_PATH=${BASE_PATH:-}
HTTP_LISTEN=${HTTP_LISTEN:-8080}
HTTPS_LISTEN=${HTTPS_LISTEN:-8443}
HSTS_SECONDS=${HSTS_SECONDS:-31536000}
WATCH_SECONDS=${WATCH_SECONDS:-10}
[ "$BASE_PATH" != / ] || BASE_PATH=
PORT_SUFFIX=
[ "${HTTPS_SHOWN_PORT:-443}" = 443 ] || PORT_SUFFIX=:$HTTPS_SHOWN_PORT

fail() {
  printf 'proxy: %s\n' "$1" >&2
  exit 1
}
# They become part of nginx's own language: nothing but what such a value has.
plain() {
  case $2 in *[!A-Za-z0-9.:/_~-]*) fail "$1 has a character that does not belong there: $2" ;; esac
}
plain PUBLIC_HOST "$PUBLIC_HOST"
plain WEB "$WEB"
plain API "$API"
plain PAGE_LISTEN "$PAGE_LISTEN"
plain API_LISTEN "$API_LISTEN"
plain TLS_DIR "$TLS_DIR"
plain ACME_DIR "$ACME_DIR"
plain RUN_DIR "$RUN_DIR"
plain BASE_PATH "$BASE_PATH"
plain HTTP_LISTEN "$HTTP_LISTEN"
plain HTTPS_LISTEN "$HTTPS_LISTEN"
plain HSTS_SECONDS "$HSTS_SECONDS"
plain HTTPS_PORT "$PORT_SUFFIX"
REAL_IP= KNOWN=
for range in $(printf '%s' "${REAL_IP_FROM:-}" | tr ',' ' '); do
  plain REAL_IP_FROM "$range"
  REAL_IP="$REAL_IP set_real_ip_from $range;"
  KNOWN="$KNOWN $range 1;"
done
[ -z "$REAL_IP" ] || REAL_IP="$REAL_IP real_ip_header X-Forwarded-For; real_ip_recursive on;"
# Who says by which scheme a visitor came: another proxy that is named, or this one.
REAL_IP="$REAL_IP geo \$realip_remote_addr \$is_known_proxy { default 0;$KNOWN }"
REAL_IP="$REAL_IP map \$is_known_proxy:\$http_x_forwarded_proto \$visitor_scheme { default \$scheme; 1:https https; 1:http http; }"
HSTS=
[ -n "$PAGE_LISTEN" ] || HSTS="add_header Strict-Transport-Security 'max-age=$HSTS_SECONDS' always;"

fill() {
  sed -e "s|@RUN_DIR@|$RUN_DIR|g" -e "s|@REAL_IP@|$REAL_IP|g" -e "s|@WEB@|$WEB|g" -e "s|@TLS_DIR@|$TLS_DIR|g" \
    -e "s|@ACME_DIR@|$ACME_DIR|g" -e "s|@PUBLIC_HOST@|$PUBLIC_HOST|g" -e "s|@PORT_SUFFIX@|$PORT_SUFFIX|g" \
    -e "s|@BASE_PATH@|$BASE_PATH|g" -e "s|@HTTP_LISTEN@|$HTTP_LISTEN|g" -e "s|@HTTPS_LISTEN@|$HTTPS_LISTEN|g" \
    -e "s|@HSTS_SECONDS@|$HSTS_SECONDS|g" -e "s|@HSTS@|$HSTS|g" -e "s|@API@|$API|g" -e "s|@PAGE_LISTEN@|$PAGE_LISTEN|g" \
    -e "s|@API_LISTEN@|$API_LISTEN|g" "$here/$1" | both_families
}
# A port is listened on by IPv6 too, where that is asked for: where the kernel has none, nginx would not start.
both_families() {
  if [ "${IPV6:-false}" = true ]; then sed -E 's/^( *)listen ([0-9]+)( .*)?;$/&\n\1listen [::]:\2\3;/'; else cat; fi
}
has_certificate() {
  [ -s "$TLS_DIR/fullchain.pem" ] && [ -s "$TLS_DIR/privkey.pem" ]
}
write() {
  fill nginx.conf.template > "$RUN_DIR/nginx.conf"
  fill gone.conf.template > "$RUN_DIR/gone.conf"
  if [ -n "$PAGE_LISTEN" ]; then
    fill local.conf.template > "$RUN_DIR/servers.conf"
    return 0
  fi
  fill plain.conf.template > "$RUN_DIR/servers.conf"
  if has_certificate; then
    fill tls.conf.template >> "$RUN_DIR/servers.conf"
  else
    printf 'proxy: there is no certificate in %s yet; HTTPS begins when there is\n' "$TLS_DIR" >&2
  fi
}
stamp() {
  cat "$TLS_DIR/fullchain.pem" "$TLS_DIR/privkey.pem" 2> /dev/null | cksum
}

mkdir -p "$RUN_DIR"
write
if [ "${1:-}" = --test ]; then exec nginx -t -c "$RUN_DIR/nginx.conf"; fi

watch() {
  loaded=$1
  # Until nginx, which this shell becomes, has ended.
  while sleep "$WATCH_SECONDS" && kill -0 $$ 2> /dev/null; do
    found=$(stamp)
    [ "$found" != "$loaded" ] || continue
    loaded=$found
    write
    # A pair that does not fit is said, and the one before goes on.
    if nginx -t -q -c "$RUN_DIR/nginx.conf" && nginx -c "$RUN_DIR/nginx.conf" -s reload; then
      printf 'proxy: the certificate was loaded anew\n' >&2
    fi
  done
}
watch "$(stamp)" &
exec nginx -c "$RUN_DIR/nginx.conf" -g 'daemon off;'
