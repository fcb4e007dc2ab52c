/** The variables with which an agent is started: the whole of what it is told. */
export const agentVariables = {
  /** `unix:<path>` or a TCP port number as AGENT_PORT. */
  listen: 'AGENT_LISTEN',
  port: 'AGENT_PORT',
  /** The session's secret: who lacks it is refused. */
  secret: 'AGENT_SECRET',
  sessionId: 'SESSION_ID',
  placeId: 'PLACE_ID',
  /** Folder of the journal, uploads in progress and other state; on the session's disk. */
  stateDir: 'AGENT_STATE_DIR',
  /** The work tree. */
  workspace: 'AGENT_WORKSPACE',
  /** `unix:<path>` of the gateway, or its http URL. */
  gateway: 'GATEWAY_URL',
  /** Worth something only there, only for this session, only while it lives. */
  gatewayToken: 'GATEWAY_TOKEN',
  claudePath: 'CLAUDE_PATH',
  ripgrepPath: 'RIPGREP_PATH',
  /** JSON of `{ model, permissionMode, effort }` for the first start. */
  claudeSettings: 'CLAUDE_SETTINGS',
  /** JSON of the variables that every program in the session gets. */
  sessionEnvironment: 'SESSION_ENVIRONMENT',
  /** The script that runs a set-up script. */
  sessionInitPath: 'SESSION_INIT_PATH',
  /** Milliseconds without any control link after which the agent saves and exits. */
  orphanTimeoutMs: 'ORPHAN_TIMEOUT_MS',
  /** Milliseconds that the forwarder to the gateway waits for it to come back. */
  gatewayWaitMs: 'GATEWAY_WAIT_MS',
  /** `1` for a fork whose files are still to come. */
  awaitsFork: 'AWAITS_FORK',
  /** Milliseconds without a turn after which Claude's process is ended; it resumes on the next prompt. */
  parkAfterMs: 'PARK_AFTER_MS',
} as const;
