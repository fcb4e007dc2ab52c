# The image of the server: every role, one program. It holds no key, no password and no build tool, and runs as nobody in
# particular; what it keeps is in /var/lib/remote-claude.
#
#   docker build -t remote-claude/server -f deploy/docker/server.Dockerfile .
#   docker run --init --read-only --tmpfs /tmp -p 3000:3000 -v remote-claude:/var/lib/remote-claude remote-claude/server
#
# Arguments replace "serve" and its flags: `serve --config <file>` reads a file that you mount. The healthcheck asks every
# port that the program listens on; where there is a server.basePath, give it the address:
# --health-cmd "node /opt/remote-claude/deploy/docker/server-health.mjs http://127.0.0.1:3000/claude/healthz".
ARG NODE_IMAGE=node:22-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /build
COPY . .
RUN npm ci --include=dev --include=optional && npm run build && node scripts/assemble.mjs /assembled

FROM ${NODE_IMAGE}

RUN set -eu; \
    groupadd --gid 10001 remote-claude; \
    useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/remote-claude --shell /usr/sbin/nologin \
        remote-claude; \
    install -d -o 10001 -g 10001 -m 0700 /var/lib/remote-claude; \
    ln -s /opt/remote-claude/apps/cli/dist/main.js /usr/local/bin/remote-claude; \
    # What installs packages is no part of a server.
    rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack /opt/yarn-* \
        /usr/local/bin/yarn /usr/local/bin/yarnpkg /usr/local/include; \
    find / -xdev -type f -perm /6000 -exec chmod a-s {} +

COPY --from=build /assembled /opt/remote-claude

ENV NODE_ENV=production
USER 10001:10001
WORKDIR /var/lib/remote-claude
VOLUME /var/lib/remote-claude
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["node", "/opt/remote-claude/deploy/docker/server-health.mjs"]
ENTRYPOINT ["remote-claude"]
CMD ["serve", "--host", "0.0.0.0", "--data-dir", "/var/lib/remote-claude"]
