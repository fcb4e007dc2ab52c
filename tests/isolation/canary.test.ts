// The canary: a key that stands for the real one is looked for, plain and encoded, wherever a session or a reader of
// the server's disk could find it after a whole turn.

import { readdirSync, readFileSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { routes, type Session } from '@remote-claude/contract';
import { afterTool, always, text, toolUse, userSays, type ScriptedModel } from '@remote-claude/scripted-model';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { openDatabase, type ProductDatabase } from '../support/database.js';
import { evaluate, startSession } from '../support/inside.js';
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
const forms = (key: string): string[] => {
  const shifted = (text: string): string[] =>
    ['', ' ', '  '].map((pad) =>
      Buffer.from(pad + text)
        .toString('base64')
        .slice(pad.length === 0 ? 0 : 4)
        .replace(/=+$/, '')
        .slice(0, -2),
    );
  const reversed = Array.from(key).toReversed().join('');
  const hex = Buffer.from(key).toString('hex');
  return [
    key,
    key.slice(14),
    reversed,
    hex,
    hex.toUpperCase(),
    ...shifted(key),
    encodeURIComponent(key),
    Array.from(key)
      .map((letter) => `%${letter.charCodeAt(0).toString(16)}`)
      .join(''),
  ];
};

const wanted = forms(canaryKey).map((form) => Buffer.from(form));
const isIn = (content: Buffer): boolean => wanted.some((form) => content.includes(form));

it('is a canary: the model asked for it, and the search finds it in every form', () => {
  expect(model.requests().filter(({ headers }) => headers['x-api-key'] === canaryKey).length).toBeGreaterThan(2);
  for (const form of [
    canaryKey,
    Buffer.from(canaryKey).toString('hex'),
    Buffer.from(`key: ${canaryKey}.`).toString('base64'),
    encodeURIComponent(canaryKey),
  ]) {
    expect([form, isIn(Buffer.from(`around ${form} around`))]).toEqual([form, true]);
  }
  expect(isIn(Buffer.from(`sk-ant-another ${session.id}`))).toBe(false);
});

describe('inside the session', () => {
  it('is in no environment, argument, open file or folder', async () => {
    // The forms travel as numbers and are put together there, or the search would find itself.
    const { looked, found } = await evaluate<{ looked: number; found: string[] }>(
      ada,
      session.id,
      `
      const fs = require('node:fs');
      const forms = values.map((codes) => Buffer.from(codes.map((code) => code - 7)));
      const found = []; let looked = 0;
      const search = (path) => {
        let content;
        try { content = fs.readFileSync(path); } catch { return; }
        looked += 1;
        if (forms.some((form) => content.includes(form))) found.push(path);
      };
      for (const pid of fs.readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name))) {
        for (const name of ['environ', 'cmdline', 'comm', 'auxv']) search('/proc/' + pid + '/' + name);
      }
      const walk = (folder) => {
        let entries; try { entries = fs.readdirSync(folder, { withFileTypes: true }); } catch { return; }
        for (const entry of entries) {
          const path = folder + '/' + entry.name;
          if (forms.some((form) => Buffer.from(entry.name).includes(form))) found.push(path);
          if (entry.isDirectory()) walk(path);
          else if (entry.isFile()) search(path);
        }
      };
      for (const folder of ['/home', '/workspace', '/var', '/tmp', '/run', '/dev/shm', '/etc', '/srv', '/mnt']) walk(folder);
      return { looked, found };`,
      wanted.map((form) => [...form].map((code) => code + 7)),
    );
    expect(found).toEqual([]);
    expect(looked).toBeGreaterThan(20);
  });

  it('is in the memory of no process that the session may read', async () => {
    const found = await evaluate<string[]>(
      ada,
      session.id,
      `
      const fs = require('node:fs');
      const forms = values.map((codes) => Buffer.from(codes.map((code) => code - 7)));
      const found = [];
      for (const pid of fs.readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name) && Number(name) !== process.pid)) {
        let maps, memory;
        try { maps = fs.readFileSync('/proc/' + pid + '/maps', 'utf8'); memory = fs.openSync('/proc/' + pid + '/mem', 'r'); } catch { continue; }
        for (const line of maps.split('\\n')) {
          const [, start, end, , name] = /^([0-9a-f]+)-([0-9a-f]+) (rw..) \\S+ \\S+ \\S+\\s*(.*)$/.exec(line) ?? [];
          if (start === undefined) continue;
          const size = Math.min(parseInt(end, 16) - parseInt(start, 16), 64 * 1024 * 1024);
          const content = Buffer.alloc(size);
          try { fs.readSync(memory, content, 0, size, parseInt(start, 16)); } catch { continue; }
          if (forms.slice(0, 2).some((form) => content.includes(form))) found.push(pid + ' ' + line);
        }
        fs.closeSync(memory);
      }
      return found;`,
      wanted.map((form) => [...form].map((code) => code + 7)),
    );
    expect(found).toEqual([]);
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
