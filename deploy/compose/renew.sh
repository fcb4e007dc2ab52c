#!/bin/sh
# In the container of the profile `acme`: fetches the certificate, hands it to the proxy, and looks twice a day whether it is to
# be renewed. A try that fails is repeated in an hour: the authority counts tries.
set -eu
: "${PUBLIC_HOST:?PUBLIC_HOST is missing in .env: the name that the certificate is for}"
: "${ACME_EMAIL:?ACME_EMAIL is missing in .env: where the authority writes when something is wrong}"

trap 'exit 0' TERM INT
rest() {
  sleep "$1" &
  wait $!
}
hand_over() {
  live=/acme/config/live/remote-claude
  [ -s "$live/fullchain.pem" ] || return 1
  cmp -s "$live/fullchain.pem" /tls/fullchain.pem && cmp -s "$live/privkey.pem" /tls/privkey.pem && return 0
  for name in privkey fullchain; do
    cp -L "$live/$name.pem" "/tls/$name.pem.new"
    # Its folder is closed to others on this machine; the proxy's user must read it.
    chmod 0444 "/tls/$name.pem.new"
    mv "/tls/$name.pem.new" "/tls/$name.pem"
  done
}

while :; do
  if certbot certonly --non-interactive --agree-tos --email "$ACME_EMAIL" --server "$ACME_SERVER" \
    --webroot --webroot-path /acme/webroot --domain "$PUBLIC_HOST" --cert-name remote-claude --keep-until-expiring \
    --config-dir /acme/config --work-dir /acme/work --logs-dir /tmp/logs && hand_over; then
    rest 43200
  else
    rest 3600
  fi
done
