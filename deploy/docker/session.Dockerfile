# The image of a session: what people and Claude Code work with. The agent, Claude Code and their Node are not in it; they
# are mounted in, so an image of your own needs none of this either, only glibc.
#
#   docker build -t remote-claude/session -f deploy/docker/session.Dockerfile deploy/docker
#
# BASE_IMAGE: Debian 12 or Ubuntu 22.04, or something made of them. NODE_IMAGE: where Node and npm are taken from.
ARG BASE_IMAGE=debian:bookworm-slim
ARG NODE_IMAGE=node:22-bookworm-slim

FROM ${NODE_IMAGE} AS node

FROM ${BASE_IMAGE}

RUN set -eu; \
    export DEBIAN_FRONTEND=noninteractive; \
    apt-get update; \
    apt-get install --yes --no-install-recommends \
        bash build-essential ca-certificates curl file git jq less nano openssh-client patch pkg-config procps \
        python3 python3-dev python3-pip python3-venv ripgrep unzip vim-tiny wget xz-utils zip; \
    apt-get clean; \
    rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/debconf/*-old /var/log/apt /var/log/dpkg.log \
        /var/log/alternatives.log; \
    # The system's packages are read-only in a session: "pip install" cannot hurt them, and goes to the home.
    rm -f /usr/lib/python3*/EXTERNALLY-MANAGED

COPY --from=node /usr/local/bin/node /usr/local/bin/node
COPY --from=node /usr/local/lib/node_modules/npm /usr/local/lib/node_modules/npm
COPY session-init.sh session-monitor.sh /usr/local/bin/

RUN set -eu; \
    ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm; \
    ln -s ../lib/node_modules/npm/bin/npx-cli.js /usr/local/bin/npx; \
    chmod 0755 /usr/local/bin/session-init.sh /usr/local/bin/session-monitor.sh; \
    # A base may have somebody under this number; a session's files belong to it.
    other="$(getent passwd 1000 | cut -d: -f1)"; \
    if [ -n "$other" ]; then userdel --remove "$other" 2>/dev/null || :; fi; \
    if ! getent group 1000 >/dev/null; then groupadd --gid 1000 claude; fi; \
    useradd --uid 1000 --gid 1000 --create-home --home-dir /home/claude --shell /bin/bash claude; \
    find /home -mindepth 1 -maxdepth 1 ! -name claude -exec rm -rf {} +; \
    install -d -o 1000 -g 1000 -m 0755 /workspace; \
    install -d -o 1000 -g 1000 -m 0700 /var/lib/remote-claude; \
    chmod 0700 /root /home/claude; \
    if [ -d /boot ]; then rmdir --ignore-fail-on-non-empty /boot; fi; \
    # Nobody becomes another user in a session.
    find / -xdev -type f -perm /6000 -exec chmod a-s {} +

USER 1000:1000
WORKDIR /workspace
CMD ["bash"]
