/**
 * What the agent is told by its environment, checked at once, and the environment that its children get.
 * The only reader of `process.env`: a child's environment is built from a list, so the agent's own secret never reaches one.
 */
import { delimiter, dirname, isAbsolute } from 'node:path';

import {
  agentVariables,
  claudeSettings,
  sessionEnvironment,
  type ClaudeSettings,
  type SessionEnvironment,
} from '@remote-claude/contract';
import { z } from 'zod';

export type Address = { kind: 'unix'; path: string } | { kind: 'tcp'; host: string | undefined; port: number };

export interface AgentConfig {
  listen: Address;
  secret: string;
  sessionId: string;
  placeId: string;
  stateDir: string;
  workspace: string;
  gateway: Address;
  gatewayToken: string;
  claudePath: string;
  ripgrepPath: string;
  claudeSettings: ClaudeSettings;
  orphanTimeoutMs: number;
  gatewayWaitMs: number;
  parkAfterMs: number;
  /** The session is a fork, and its files are still to come. */
  awaitsFork: boolean;
  /** What a person wants every program here to find in its environment. */
  sessionEnvironment: SessionEnvironment;
  /** Null where the server does not say it. */
  sessionInitPath: string | null;
  /** What children get of the agent's own environment. */
  inherited: Readonly<Record<string, string>>;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Linux cuts a longer path of a unix socket in silence. */
const maxSocketPathBytes = 107;
const minSecretLength = 16;
const inheritedNames = [
  'PATH',
  'HOME',
  'LANG',
  'TZ',
  'TMPDIR',
  'NODE_EXTRA_CA_CERTS',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'CURL_CA_BUNDLE',
  'REQUESTS_CA_BUNDLE',
  'GIT_SSL_CAINFO',
];
const inheritedFamilies = [/^LC_[A-Z]+$/, /^npm_config_/i];
const defaults = {
  port: '8080',
  workspace: '/workspace',
  home: '/home/claude',
  path: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  orphanTimeoutMs: 3_600_000,
  gatewayWaitMs: 60_000,
  parkAfterMs: 600_000,
};

/** The agent's configuration. Throws one error that lists everything that is wrong. */
export const readConfig = (environment: Environment = process.env): AgentConfig => {
  const problems: string[] = [];
  const valueOf = (key: keyof typeof agentVariables): string | undefined => {
    const value = environment[agentVariables[key]];
    return value === undefined || value === '' ? undefined : value;
  };
  /** Notes a problem and goes on, so that all of them are found in one start. */
  const wrong = <T>(key: keyof typeof agentVariables, problem: string, instead: T): T => {
    problems.push(`${agentVariables[key]} ${problem}`);
    return instead;
  };
  const needed = (key: keyof typeof agentVariables): string => valueOf(key) ?? wrong(key, 'is missing.', '');
  const id = (key: keyof typeof agentVariables): string => {
    const value = needed(key);
    return value === '' || z.uuid().safeParse(value).success ? value : wrong(key, 'is not a UUID.', value);
  };
  const path = (key: keyof typeof agentVariables, value: string): string =>
    value === '' || isAbsolute(value) ? value : wrong(key, 'must be an absolute path.', value);
  const duration = (key: keyof typeof agentVariables, instead: number): number => {
    const text = valueOf(key);
    if (text === undefined) return instead;
    return /^\d{1,10}$/.test(text) && Number(text) > 0
      ? Number(text)
      : wrong(key, 'must be a number of milliseconds.', instead);
  };
  const secret = needed('secret');
  if (secret !== '' && secret.length < minSecretLength)
    wrong('secret', `must have at least ${minSecretLength} characters.`, null);

  const config: AgentConfig = {
    listen: listenAddress(valueOf('listen'), valueOf('port') ?? defaults.port, problems),
    secret,
    sessionId: id('sessionId'),
    placeId: id('placeId'),
    stateDir: path('stateDir', needed('stateDir')),
    workspace: path('workspace', valueOf('workspace') ?? defaults.workspace),
    gateway: gatewayAddress(needed('gateway'), problems),
    gatewayToken: needed('gatewayToken'),
    claudePath: path('claudePath', needed('claudePath')),
    ripgrepPath: path('ripgrepPath', needed('ripgrepPath')),
    claudeSettings: jsonOf('claudeSettings', claudeSettings, valueOf('claudeSettings'), problems),
    orphanTimeoutMs: duration('orphanTimeoutMs', defaults.orphanTimeoutMs),
    gatewayWaitMs: duration('gatewayWaitMs', defaults.gatewayWaitMs),
    parkAfterMs: duration('parkAfterMs', defaults.parkAfterMs),
    awaitsFork: valueOf('awaitsFork') === '1',
    sessionEnvironment: jsonOf('sessionEnvironment', sessionEnvironment, valueOf('sessionEnvironment'), problems),
    sessionInitPath:
      valueOf('sessionInitPath') === undefined ? null : path('sessionInitPath', needed('sessionInitPath')),
    inherited: inheritedOf(environment),
  };
  if (problems.length > 0)
    throw new Error(`The agent cannot start:\n${problems.map((problem) => `- ${problem}`).join('\n')}`);
  return config;
};

const socketPath = (path: string, name: string, problems: string[]): Address => {
  if (!isAbsolute(path)) problems.push(`${name} must name an absolute path after "unix:".`);
  if (Buffer.byteLength(path) > maxSocketPathBytes) {
    problems.push(`${name} is longer than the ${maxSocketPathBytes} bytes that a unix socket's path may have.`);
  }
  return { kind: 'unix', path };
};

const portOf = (text: string): number | null =>
  /^\d{1,5}$/.test(text) && Number(text) <= 65_535 ? Number(text) : null;

const listenAddress = (listen: string | undefined, portText: string, problems: string[]): Address => {
  if (listen?.startsWith('unix:') === true)
    return socketPath(listen.slice('unix:'.length), agentVariables.listen, problems);
  if (listen !== undefined)
    problems.push(`${agentVariables.listen} must be "unix:<path>"; for TCP set ${agentVariables.port}.`);
  const port = portOf(portText);
  if (port === null) problems.push(`${agentVariables.port} must be a port number.`);
  return { kind: 'tcp', host: undefined, port: port ?? 0 };
};

const gatewayAddress = (text: string, problems: string[]): Address => {
  if (text.startsWith('unix:')) return socketPath(text.slice('unix:'.length), agentVariables.gateway, problems);
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url?.protocol === 'http:') {
    return { kind: 'tcp', host: url.hostname.replace(/^\[|\]$/g, ''), port: url.port === '' ? 80 : Number(url.port) };
  }
  if (text !== '') problems.push(`${agentVariables.gateway} must be "unix:<path>" or an http:// address.`);
  return { kind: 'unix', path: '' };
};

/** An object that is empty where nothing is said, or where it cannot be used. */
const jsonOf = <T extends object>(
  key: keyof typeof agentVariables,
  schema: z.ZodType<T>,
  text: string | undefined,
  problems: string[],
): T => {
  if (text === undefined) return {} as T;
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    const why = cause instanceof z.ZodError ? z.prettifyError(cause) : 'it is not JSON';
    problems.push(`${agentVariables[key]} cannot be used: ${why}`);
    return {} as T;
  }
};

const inheritedOf = (environment: Environment): Record<string, string> =>
  Object.fromEntries(
    Object.entries(environment).filter(
      (entry): entry is [string, string] =>
        entry[1] !== undefined &&
        (inheritedNames.includes(entry[0]) || inheritedFamilies.some((family) => family.test(entry[0]))),
    ),
  );

/** What every program in the session sees: terminals, commands, and what Claude runs. */
export const childEnvironment = (config: AgentConfig, gatewayPort: number): Record<string, string> => {
  const { inherited, claudePath, ripgrepPath, gatewayToken } = config;
  const tools = [...new Set([dirname(claudePath), dirname(ripgrepPath)])];
  return {
    LANG: 'C.UTF-8',
    ...inherited,
    ...config.sessionEnvironment,
    HOME: inherited['HOME'] ?? defaults.home,
    PATH: [...tools, inherited['PATH'] ?? defaults.path].join(delimiter),
    TERM: 'xterm-256color',
    COLORTERM: 'truecolor',
    USER: 'claude',
    LOGNAME: 'claude',
    SHELL: '/bin/bash',
    ANTHROPIC_BASE_URL: `http://127.0.0.1:${gatewayPort}`,
    ANTHROPIC_AUTH_TOKEN: gatewayToken,
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    DISABLE_AUTOUPDATER: '1',
  };
};
