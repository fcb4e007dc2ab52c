#!/usr/bin/env node
/**
 * The scripted model as a program. Prints one JSON line with its address when it listens, logs to stderr with
 * `--verbose`, ends on SIGTERM or SIGINT and, with `--until-stdin-ends`, when the parent that holds its stdin is gone.
 */
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { startScriptedModel } from './server.js';
import type { Script } from './script.js';
import { demoScript } from './scripts/demo.js';

const usage =
  'Usage: scripted-model [--port N] [--host H] [--socket PATH] [--script demo|FILE.mjs] [--verbose] [--until-stdin-ends]';
/** A long-lived process keeps few requests: each holds a whole conversation. */
const keepRequests = 20;
const maxPort = 65_535;

const main = async (): Promise<void> => {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '0' },
      host: { type: 'string', default: '127.0.0.1' },
      socket: { type: 'string' },
      script: { type: 'string', default: 'demo' },
      verbose: { type: 'boolean', default: false },
      'until-stdin-ends': { type: 'boolean', default: false },
    },
  });
  const model = await startScriptedModel({
    script: await loadScript(values.script),
    port: portOf(values.port),
    host: values.host,
    socketPath: values.socket,
    keepRequests,
    log: values.verbose ? (line) => void process.stderr.write(`${line}\n`) : undefined,
  });
  const end = (): void => void model.close().then(() => process.exit(0));
  process.once('SIGTERM', end);
  process.once('SIGINT', end);
  if (values['until-stdin-ends']) process.stdin.once('end', end).once('error', end).resume();
  process.stdout.write(`${JSON.stringify({ url: model.url, port: model.port })}\n`);
};

const portOf = (value: string): number => {
  const port = Number(value);
  if (!Number.isInteger(port) || port < 0 || port > maxPort)
    throw new Error(`--port ${value}: a number from 0 to ${maxPort} is wanted.`);
  return port;
};

/** A script file exports its rules as `default` or as `script`; the server checks them. */
const loadScript = async (name: string): Promise<Script> => {
  if (name === 'demo') return demoScript;
  const module = (await import(pathToFileURL(name).href)) as { default?: Script; script?: Script };
  const script = module.default ?? module.script;
  if (script === undefined) throw new Error(`${name} exports no script: \`export default [ …rules ]\` is wanted.`);
  return script;
};

main().catch((cause: unknown) => {
  process.stderr.write(`${cause instanceof Error ? cause.message : String(cause)}\n${usage}\n`);
  process.exit(1);
});
