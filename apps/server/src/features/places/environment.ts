// What an agent is started with: the whole of its environment, from a list. It knows no driver beyond its layout.

import { dirname } from 'node:path';
import type { PlaceLayout, PlaceSpec, ReadOnlyMount } from '@remote-claude/compute';
import { agentVariables, sessionEnvironment, type SessionState } from '@remote-claude/contract';

/** What of this program is put into every place; paths as seen inside. */
export interface AgentRuntime {
  mounts: ReadOnlyMount[];
  command: string[];
  claudePath: string;
  ripgrepPath: string;
  nodePath: string;
  sessionInitPath: string;
}

export interface AgentSettings {
  orphanTimeoutMs: number;
  gatewayWaitMs: number;
  /** Without a turn for so long Claude's process is ended; it resumes on the next prompt. */
  parkAfterMs: number;
}

/** Secrets of a place, the same after every start of the server. */
export interface PlaceSecrets {
  agent(placeId: string): string;
  gateway(placeId: string): string;
}

export interface EnvironmentDeps {
  runtime: AgentRuntime;
  settings: AgentSettings;
  secrets: PlaceSecrets;
}

const agentPort = 8080;

/** Of a stored configuration. What can no longer be used is left out as a whole. */
const ownVariables = (config: unknown): string =>
  JSON.stringify(sessionEnvironment.safeParse((config as { env?: unknown } | null)?.env ?? {}).data ?? {});

export const agentEnvironment = (
  { runtime, settings, secrets }: EnvironmentDeps,
  ids: { sessionId: string; placeId: string },
  layout: PlaceLayout,
  { state, config }: { state: Pick<SessionState, 'claude' | 'fork'>; config: unknown },
): PlaceSpec['environment'] => {
  const programs = [runtime.claudePath, runtime.nodePath, runtime.ripgrepPath].map((path) => dirname(path));
  const path = [...new Set(programs), '/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];
  const { model, permissionMode, effort } = state.claude;
  return {
    HOME: layout.home,
    USER: 'claude',
    LOGNAME: 'claude',
    SHELL: '/bin/bash',
    LANG: 'C.UTF-8',
    TMPDIR: '/tmp',
    PATH: path.join(':'),
    ...(layout.agentSocket === null
      ? { [agentVariables.port]: String(agentPort) }
      : { [agentVariables.listen]: `unix:${layout.agentSocket}` }),
    ...(layout.gatewaySocket === null ? {} : { [agentVariables.gateway]: `unix:${layout.gatewaySocket}` }),
    [agentVariables.secret]: secrets.agent(ids.placeId),
    [agentVariables.gatewayToken]: secrets.gateway(ids.placeId),
    [agentVariables.sessionId]: ids.sessionId,
    [agentVariables.placeId]: ids.placeId,
    [agentVariables.stateDir]: layout.state,
    [agentVariables.workspace]: layout.workspace,
    [agentVariables.claudePath]: runtime.claudePath,
    [agentVariables.ripgrepPath]: runtime.ripgrepPath,
    [agentVariables.sessionInitPath]: runtime.sessionInitPath,
    [agentVariables.sessionEnvironment]: ownVariables(config),
    [agentVariables.claudeSettings]: JSON.stringify({ model, permissionMode, effort }),
    ...(state.fork?.isFilled === false && { [agentVariables.awaitsFork]: '1' }),
    [agentVariables.orphanTimeoutMs]: String(settings.orphanTimeoutMs),
    [agentVariables.gatewayWaitMs]: String(settings.gatewayWaitMs),
    [agentVariables.parkAfterMs]: String(settings.parkAfterMs),
  };
};

/** The secrets of places from the server's own key: nothing is stored, and another place's are unrelated. */
export const createPlaceSecrets = (derive: (label: string) => Buffer): PlaceSecrets => ({
  agent: (placeId) => derive(`agent:${placeId}`).toString('base64url'),
  gateway: (placeId) => derive(`gateway:${placeId}`).toString('base64url'),
});
