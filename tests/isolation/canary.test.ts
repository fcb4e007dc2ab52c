// The canary: a key that stands for the real one is looked for, plain and encoded, wherever a session or a reader of
// the server's disk could find it after a whole turn.

import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { routes, type Session } from '@remote-claude/contract';
import { afterTool, always, text, toolUse, userSays, type ScriptedModel } from '@remote-claude/scripted-model';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { placesUnderTest } from '../support/config.js';
import { engineClient } from '../support/containers.js';
import { openDatabase, type ProductDatabase } from '../support/database.js';
import { evaluate, output, startSession } from '../support/inside.js';
import { canaryKey, configFor, startModel } from '../support/model.js';
import { setUpAdmin, type Person } from '../support/people.js';
import { startProduct, type Product } from '../support/product.js';
import { openViewer, type Viewer } from '../support/viewer.js';
import { until } from '../support/wait.js';

let model: ScriptedModel;
let product: Product;
let database: ProductDatabase;
let ada: Person;
let session: Session;
let viewer: Viewer;

beforeAll(async () => {
  model = await startModel([
    {
      name: 'act',
      when: userSays('look'),
      answer: [
        text('I look around.'),
        toolUse('Bash', { command: 'env; ls -la /proc/self/fd', description: 'Look around' }),
      ],
    },
    { name: 'end', when: afterTool('Bash'), answer: [text('Nothing here.')] },
    { name: 'greet', when: always, answer: [text('Hello.')] },
  ]);
  const config = `${configFor(model)}monitoring: { logging: { level: debug } }\n`;
  product = await startProduct({ config });
  ada = await setUpAdmin(product);
  session = await startSession(ada, { name: 'Canary' });
  viewer = openViewer(product.url, ada, session.id);
  const turn = ada.client.call(routes.claude.chat, { params: { id: session.id }, body: { message: 'look' } });
  const asked = await until(
    async () => (await ada.client.call(routes.claude.approvals, { params: { id: session.id } })).items[0],
    { what: 'an approval' },
  );
  await ada.client.call(routes.claude.answer, {
    params: { id: session.id, approvalId: asked.approvalId },
    body: { decision: 'allow' },
  });
  const { outcome } = (await turn) as { outcome: string };
  if (outcome !== 'completed') throw new Error(`the turn ${outcome}`);
  await ada.client.call(routes.settings.getModel, {});
  await ada.client.call(routes.settings.testModel, {});
  database = await openDatabase(product);
});

afterAll(async () => {
  viewer?.close();
  await database?.close();
  await product?.close();
  await model?.close();
});

/** What is looked for: the whole key and its tell-tale part, in each form in which it could lie about. */
const formsOf = (key: string): Record<string, Buffer[]> => {
  const shifted = ['', ' ', '  '].map((pad) =>
    Buffer.from(pad + key)
      .toString('base64')
      .slice(pad.length === 0 ? 0 : 4)
      .replace(/=+$/, '')
      .slice(0, -2),
  );
  const letters = Array.from(key);
  const hex = Buffer.from(key).toString('hex');
  const each = (write: (code: string) => string): string =>
    letters.map((letter) => write(letter.charCodeAt(0).toString(16).padStart(2, '0'))).join('');
  const texts = {
    plain: [key],
    'its end alone': [key.slice(14)],
    reversed: [letters.toReversed().join('')],
    hex: [hex, hex.toUpperCase()],
    // Of any text that it stands in.
    base64: shifted,
    percent: [encodeURIComponent(key), each((code) => `%${code}`), each((code) => `%${code.toUpperCase()}`)],
    'as JSON escapes it': [each((code) => `\\u00${code}`)],
  };
  return {
    ...Object.fromEntries(Object.entries(texts).map(([name, found]) => [name, found.map((text) => Buffer.from(text))])),
    'two bytes a letter': [Buffer.from(key, 'utf16le')],
  };
};

const wanted = Object.values(formsOf(canaryKey)).flat();
const isIn = (content: Buffer): boolean => wanted.some((form) => content.includes(form));

it('is a canary: the model asked for it, and the search finds it in every form', () => {
  expect(model.requests().filter(({ headers }) => headers['x-api-key'] === canaryKey).length).toBeGreaterThan(2);
  const around = (text: string | Buffer): Buffer => Buffer.concat([Buffer.from('around '), Buffer.from(text)]);
  const written = {
    plain: canaryKey,
    reversed: Array.from(canaryKey).toReversed().join(''),
    hex: Buffer.from(canaryKey).toString('hex'),
    base64: Buffer.from(`key: ${canaryKey}.`).toString('base64'),
    percent: encodeURIComponent(canaryKey),
    json: canaryKey.replaceAll(/./g, (letter) => `\\u00${letter.charCodeAt(0).toString(16)}`),
    utf16: Buffer.from(`key: ${canaryKey}`, 'utf16le'),
  };
  for (const [name, text] of Object.entries(written)) expect([name, isIn(around(text))]).toEqual([name, true]);
  expect(isIn(Buffer.from(`sk-ant-another ${session.id}`))).toBe(false);
});

/** Looks for these inside the session, as the session's own code may. */
const searchInside = (forms: readonly Buffer[]) =>
  evaluate<{ looked: number; found: string[]; memories: number }>(
    ada,
    session.id,
    `
    const fs = require('node:fs');
    const forms = values.map((codes) => Buffer.from(codes.map((code) => code - 7)));
    const found = []; let looked = 0, memories = 0;
    const isIn = (content) => forms.some((form) => content.includes(form));
    const search = (path) => {
      let content;
      try { content = fs.readFileSync(path); } catch { return; }
      looked += 1;
      if (isIn(content)) found.push(path);
    };
    const pids = fs.readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name));
    for (const pid of pids) for (const name of ['environ', 'cmdline', 'comm', 'auxv']) search('/proc/' + pid + '/' + name);
    const walk = (folder) => {
      let entries; try { entries = fs.readdirSync(folder, { withFileTypes: true }); } catch { return; }
      for (const entry of entries) {
        const path = folder + '/' + entry.name;
        if (isIn(Buffer.from(entry.name))) found.push(path);
        if (entry.isDirectory()) walk(path);
        else if (entry.isFile()) search(path);
      }
    };
    for (const folder of ['/home', '/workspace', '/var', '/tmp', '/run', '/dev/shm', '/etc', '/srv', '/mnt']) walk(folder);
    for (const pid of pids.filter((name) => Number(name) !== process.pid)) {
      let maps, memory;
      try { maps = fs.readFileSync('/proc/' + pid + '/maps', 'utf8'); memory = fs.openSync('/proc/' + pid + '/mem', 'r'); } catch { continue; }
      let some = false;
      for (const line of maps.split('\\n')) {
        const [, start, end, , name] = /^([0-9a-f]+)-([0-9a-f]+) (rw..) \\S+ \\S+ \\S+\\s*(.*)$/.exec(line) ?? [];
        if (start === undefined) continue;
        const size = Math.min(parseInt(end, 16) - parseInt(start, 16), 64 * 1024 * 1024);
        const content = Buffer.alloc(size);
        try { fs.readSync(memory, content, 0, size, parseInt(start, 16)); } catch { continue; }
        some = true;
        if (isIn(content)) found.push('memory of ' + pid);
      }
      fs.closeSync(memory);
      if (some) memories += 1;
    }
    return { looked, found, memories };`,
    // They travel as numbers and are put together there, or the search would find itself.
    forms.map((form) => [...form].map((code) => code + 7)),
  );

describe('inside the session', () => {
  it('is in no environment, argument, file, folder or memory', async () => {
    const { looked, found, memories } = await searchInside(wanted);
    expect(found).toEqual([]);
    expect(looked).toBeGreaterThan(20);
    process.stdout.write(`canary (${placesUnderTest()}): ${looked} files, memory of ${memories} processes\n`);
  });

  it('would be found there', async () => {
    const decoy = `decoy-${randomUUID()}`;
    const hex = Buffer.from(decoy).toString('hex');
    const holds = `setsid env DECOY=${decoy} sleep 86400 </dev/null >/dev/null 2>&1 & echo $!`;
    const pid = await output(ada, session.id, `${holds}; echo ${hex} > ~/decoy; touch /tmp/${decoy}`);
    const { found, memories } = await until(
      async () => {
        const seen = await searchInside(Object.values(formsOf(decoy)).flat());
        return seen.found.includes(`/proc/${pid}/environ`) ? seen : null;
      },
      { what: 'the decoy in an environment' },
    );
    expect(found).toEqual(expect.arrayContaining(['/home/claude/decoy', `/tmp/${decoy}`]));
    if (memories > 0) expect(found).toContain(`memory of ${pid}`);
    await output(ada, session.id, `kill ${pid}; rm ~/decoy /tmp/${decoy}`);
  });

  it('is in no answer of the gateway', async () => {
    const said = await evaluate<string>(
      ada,
      session.id,
      `
      const base = new URL(process.env.ANTHROPIC_BASE_URL);
      const authorization = 'Bearer ' + process.env.ANTHROPIC_AUTH_TOKEN;
      const all = [];
      for (const [method, path, token] of [['POST', '/v1/messages', authorization], ['POST', '/v1/messages', 'Bearer x'], ['GET', '/v1/models', authorization], ['GET', '/', ''], ['OPTIONS', '*', authorization]]) {
        const answer = await fetch(new URL(path, base), { method, headers: { authorization: token, 'content-type': 'application/json' }, ...(method === 'POST' && { body: values }) }).catch(() => null);
        if (answer !== null) all.push(answer.status, JSON.stringify([...answer.headers]), await answer.text());
      }
      return all.join('\\n');`,
      JSON.stringify({ model: 'claude-sonnet-5', max_tokens: 10, messages: [{ role: 'user', content: 'Hello' }] }),
    );
    expect(said).toContain('200');
    expect(said).toContain('401');
    expect(isIn(Buffer.from(said))).toBe(false);
  });
});

describe('on the server', () => {
  it('is in no output, event or message', async () => {
    expect(product.output().length).toBeGreaterThan(500);
    expect(isIn(Buffer.from(product.output()))).toBe(false);
    expect(viewer.events().length).toBeGreaterThan(5);
    expect(isIn(Buffer.from(JSON.stringify([viewer.events(), viewer.messages()])))).toBe(false);
  });

  it('is in no row of the database', async () => {
    const rows = await database.dump();
    for (const table of ['events', 'audit_logs', 'usage', 'sessions', 'commands']) expect(rows).toContain(`${table}: `);
    expect(isIn(Buffer.from(rows))).toBe(false);
  });

  it('is in no file of the data folder, the database’s own files and logs included', async () => {
    const found: string[] = [];
    let looked = 0;
    const walk = async (folder: string): Promise<void> => {
      for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
        const path = join(folder, entry.name);
        // Copies of programs, which were there before the key.
        if (path === join(product.dataDir, 'runtime')) continue;
        if (entry.isDirectory()) await walk(path);
        else if (entry.isFile() && (await stat(path).catch(() => null)) !== null) {
          looked += 1;
          if (isIn(await readFile(path).catch(() => Buffer.alloc(0)))) found.push(path);
        }
      }
    };
    await walk(product.dataDir);
    expect(found).toEqual([]);
    expect(looked).toBeGreaterThan(500);
  });

  it('is in the arguments of no process, and in the environment of none that the server started', () => {
    const found: string[] = [];
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)) {
      for (const name of ['cmdline', 'environ']) {
        try {
          if (isIn(readFileSync(`/proc/${pid}/${name}`))) found.push(`${pid} ${name}`);
        } catch {
          // It ended while we looked.
        }
      }
    }
    expect(found).toEqual([]);
  });

  if (placesUnderTest() !== 'process')
    it('is in nothing that the engine says of the session, and not in its output', async () => {
      const { engine, prefix } = product.contained ?? {};
      if (engine === undefined) throw new Error('there is no engine');
      const container = engineClient(engine).getContainer(`${prefix}-${session.id}`);
      const told = JSON.stringify(await container.inspect());
      const logs = await container.logs({ stdout: true, stderr: true });
      expect(told).toContain(session.id);
      expect([isIn(Buffer.from(told)), isIn(logs)]).toEqual([false, false]);
    });

  it('is in no answer of the API', async () => {
    const answers = await Promise.all(
      [
        '/settings/model',
        '/about',
        '/users',
        '/sessions',
        `/sessions/${session.id}/claude/history?limit=500`,
        '/openapi.json',
      ].map(async (path) => (await ada.fetch(path)).text()),
    );
    expect(isIn(Buffer.from(answers.join('\n')))).toBe(false);
    expect(answers[0]).toContain(canaryKey.slice(-4));
  });
});
