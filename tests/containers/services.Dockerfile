# Stands in for the images of PostgreSQL, Redis and nginx, where no registry of images can be reached: the same programs as Debian
# has them, under the users of those images, and what compose.yaml asks of PostgreSQL's own entry point.
FROM debian:bookworm-slim

RUN set -eu; \
    export DEBIAN_FRONTEND=noninteractive; \
    groupadd --gid 999 postgres; \
    useradd --uid 999 --gid 999 --no-create-home postgres; \
    groupadd --gid 101 nginx; \
    useradd --uid 101 --gid 101 --no-create-home nginx; \
    apt-get update; \
    apt-get install --yes --no-install-recommends curl nginx-light postgresql-15 redis-server; \
    rm -rf /var/lib/apt/lists/*; \
    install -d -o 999 -g 999 -m 0700 /var/lib/postgresql/data

COPY postgres-entry.sh /usr/local/bin/
ENV PATH=/usr/lib/postgresql/15/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin
ENTRYPOINT ["sh", "/usr/local/bin/postgres-entry.sh"]
