// The scripted model and the configuration of a server that talks to it.

import { startScriptedModel, type Script, type ScriptedModel } from '@remote-claude/scripted-model';

/** Stands for the real key: it must be found nowhere but at the gateway. */
export const canaryKey = 'sk-ant-canary-6f1d2c3b4a59687786950a1b2c3d4e5f';

export const startModel = (script: Script): Promise<ScriptedModel> => startScriptedModel({ script, apiKey: canaryKey });

/** With the durations of a real site; `more` is YAML that is added at the end. */
export const siteConfigFor = (model: ScriptedModel, more = ''): string => `
claude:
  apiKey: ${canaryKey}
  baseUrl: ${model.url}
  model: claude-sonnet-5
  models: [claude-sonnet-5]
auth:
  attempts: { perAddress: 10000, perAccount: 1000 }
${more}
`;

/** Durations at a tenth, so that waiting is short. */
export const configFor = (model: ScriptedModel, more = ''): string =>
  siteConfigFor(
    model,
    `timing:
  reconcile: 1s
  heartbeat: 1s
  heartbeatTimeout: 2500ms
  agentConnect: 1s
  retryMin: 100ms
${more}`,
  );
