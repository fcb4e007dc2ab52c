// Seen from outside: four processes, one role each, scraped by the real Prometheus while a session makes a turn. What it has
// counted is what happened, promtool is content with each role, the guide lists what there is; and /readyz of each role says
// the truth when the database or Redis is away.

import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { routes } from '@remote-claude/contract';
import { always, text, type ScriptedModel } from '@remote-claude/scripted-model';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { bearer } from '../support/calls.js';
import { freePort } from '../support/free-port.js';
import { startSession } from '../support/inside.js';
import { configFor, startModel } from '../support/model.js';
import { setUpAdmin, type Person } from '../support/people.js';
import { startPostgres, type OwnPostgres } from '../support/postgres.js';
import { startProduct, type Product } from '../support/product.js';
import { checkMetrics, checkYaml, startPrometheus, type Prometheus } from '../support/prometheus.js';
import { startProxy, type Proxy } from '../support/proxy.js';
import { startRedis, type OwnRedis } from '../support/redis.js';
import { openViewer, type Viewer } from '../support/viewer.js';
import { until } from '../support/wait.js';

const names = ['web', 'api', 'session-manager', 'gateway'] as const;
type Name = (typeof names)[number];
const working = ['api', 'session-manager', 'gateway'] as const;

const token = randomBytes(24).toString('base64url');
let model: ScriptedModel;
let postgres: OwnPostgres;
let redis: OwnRedis;
/** Before the database, and before the internal ports. */
let toDatabase: Proxy;
const ways: Proxy[] = [];
const roles = new Map<Name, Product>();
let prometheus: Prometheus;
let ada: Person;
let viewer: Viewer;
let sessionId: string;

const role = (name: Name): Product => {
  const found = roles.get(name);
  if (found === undefined) throw new Error(`the ${name} was not started`);
  return found;
};
const internalUrl = (name: Name): string => /^Other roles reach it at (\S+)$/m.exec(role(name).output())?.[1] ?? '';
const metricsOf = async (name: Name): Promise<string> =>
  (await fetch(`${role(name).url}/metrics`, { headers: bearer(token) })).text();

const startRoles = async (): Promise<void> => {
  const key = randomBytes(32).toString('base64');
  const apiPort = await freePort();
  const gateway = await startProxy({ to: () => internalUrl('gateway') });
  const manager = await startProxy({ to: () => internalUrl('session-manager') });
  ways.push(gateway, manager);
  const databaseUrl = Object.assign(new URL(postgres.url), { host: new URL(toDatabase.url).host }).href;
  const shared = `security: { masterKey: "${key}" }\ndatabase: { url: "${databaseUrl}" }\nredis: { url: "${redis.url}" }\n`;
  const secure = (url: string): string => url.replace('http:', 'https:');
  for (const name of ['web', 'gateway', 'session-manager', 'api'] as const) {
    const internal = `{ port: 0, gatewayUrl: "${secure(gateway.url)}", sessionManagerUrl: "${secure(manager.url)}" }`;
    const way =
      name === 'web'
        ? `apiUrl: "http://127.0.0.1:${apiPort}"`
        : `publicUrl: "${role('web').url}", internal: ${internal}`;
    const own = `server: { roles: [${name}], ${way} }\nmonitoring: { metrics: { token: "${token}" } }\n`;
    const config = configFor(model, name === 'web' ? own : own + shared);
    roles.set(name, await startProduct({ config, port: name === 'api' ? apiPort : 0 }));
  }
};

beforeAll(async () => {
  model = await startModel([{ name: 'greet', when: always, answer: [text('Hello.')] }]);
  postgres = await startPostgres();
  redis = await startRedis();
  toDatabase = await startProxy({ to: postgres.url.replace('postgres:', 'http:') });
  await startRoles();
  const targets = names.map((name) => `"${new URL(role(name).url).host.replace('localhost', '127.0.0.1')}"`);
  prometheus = await startPrometheus(
    [
      '  - job_name: remote-claude',
      `    authorization: { credentials: "${token}" }`,
      `    static_configs: [{ targets: [${targets.join(', ')}] }]`,
      '',
    ].join('\n'),
  );
  const { setupUrl } = role('api');
  const site: Product = { ...role('api'), url: role('web').url, setupUrl };
  ada = await setUpAdmin(site);
  ({ id: sessionId } = await startSession(ada, { name: 'Counted' }));
  viewer = openViewer(site.url, ada, sessionId);
});
afterAll(async () => {
  viewer?.close();
  await prometheus?.close();
  for (const name of names) await roles.get(name)?.close();
  for (const way of [...ways, toDatabase]) await way?.close();
  await redis?.close();
  await postgres?.close();
  await model?.close();
});

/** Waits until it has been scraped; what is still going on is asked for each time. */
const counted = (expression: string, value: number | (() => number)): Promise<true> => {
  let last: number | null = null;
  const wanted = (): number => (typeof value === 'number' ? value : value());
  return until(
    async () => {
      last = await prometheus.value(expression);
      return last !== null && Math.abs(last - wanted()) < 1e-9;
    },
    { what: () => `${expression} to be ${wanted()}, not ${last}` },
  ).then(() => true as const);
};

describe('Prometheus', () => {
  it('finds every role up', async () => {
    await counted('sum(up)', names.length);
    // A scrape may come late where the machine has much to do; the next one is in time.
    const isAllUp = async () =>
      (await prometheus.targets()).every(({ health, lastError }) => health === 'up' && lastError === '');
    await until(isAllUp, { what: 'every target to be up' });
    expect(await prometheus.targets()).toHaveLength(names.length);
    for (const name of names) await counted(`sum(remote_claude_role_info{role="${name}"})`, 1);
  });

  it('has counted what happened: a session, two turns, their tokens and calls, each once', async () => {
    for (const message of ['Hi', 'And again'])
      await ada.client.call(routes.claude.chat, { params: { id: sessionId }, body: { message } });
    await counted('sum(remote_claude_turns_total{outcome="completed"})', 2);
    await counted('sum(remote_claude_turn_duration_seconds_count)', 2);
    const used = () => viewer.events().flatMap(({ event }) => (event.type === 'usage.recorded' ? [event] : []));
    const sum = (of: (event: ReturnType<typeof used>[number]) => number): number =>
      used().reduce((total, event) => total + of(event), 0);
    await counted('sum(remote_claude_tokens_total{kind="output"})', () => sum((event) => event.usage.outputTokens));
    expect(sum((event) => event.usage.outputTokens)).toBeGreaterThan(0);
    await counted('sum(remote_claude_tokens_total{kind="input"})', () => sum((event) => event.usage.inputTokens));
    await counted('sum(remote_claude_cost_dollars_total)', () => sum((event) => event.costUsd));
    await counted('count(remote_claude_cost_dollars_total{model="claude-sonnet-5"})', 1);
    await counted('sum(remote_claude_model_calls_total{status="200"})', () => used().length);
    await counted('sum(remote_claude_model_calls_open)', 0);
    await counted('sum(remote_claude_model_call_first_byte_seconds_count)', () => used().length);
    await counted('sum(remote_claude_places_started_total)', 1);
    await counted('sum(remote_claude_place_start_duration_seconds_count)', 1);
    await counted('sum(remote_claude_session_start_duration_seconds_count{after="create"})', 1);
    await counted('max by (state) (remote_claude_sessions{state="idle"})', 1);
    await counted('sum(remote_claude_agent_links_up)', 1);
    await counted('sum(remote_claude_gateway_doors_open)', 1);
    await counted('sum(remote_claude_sockets_open{kind="ws"})', 1);
    await counted('sum(remote_claude_viewers)', 1);
    // By the web that passes it on, and by the api that answers it.
    await counted(
      'count(sum by (route) (remote_claude_http_requests_total{route="/api/sessions/:id/claude/chat"}))',
      1,
    );
    await counted('count(sum by (route) (remote_claude_http_requests_total{route="/api/*"}))', 1);
    await counted('sum(remote_claude_lease_held)', 1);
    await counted('min(remote_claude_bus_connected)', 1);
    await counted('min(remote_claude_redis_connected)', 1);
  });

  it('sees a session that is stopped and started again', async () => {
    const at = { params: { id: sessionId } };
    await ada.client.call(routes.sessions.stop, at);
    await counted('max by (state) (remote_claude_sessions{state="stopped"})', 1);
    await counted('sum(remote_claude_places_ended_total{reason="stopped"})', 1);
    await ada.client.call(routes.sessions.start, at);
    await counted('max by (state) (remote_claude_sessions{state="idle"})', 1);
    await counted('sum(remote_claude_session_start_duration_seconds_count{after="start"})', 1);
    expect(await counted('sum(remote_claude_places_started_total)', 2)).toBe(true);
  });
});

describe('what each role tells', () => {
  it.each(names)('promtool is content with the %s, and nobody is named in it', async (name) => {
    const said = await metricsOf(name);
    expect(said).toContain(`remote_claude_role_info{role="${name}"} 1`);
    expect(checkMetrics(said)).toBe('');
    for (const secret of [token, sessionId, ada.email, ada.token, 'Counted', toDatabase.url])
      expect(said).not.toContain(secret);
  });

  it('the guide lists every metric that there is, and none else', async () => {
    const guide = await readFile(fileURLToPath(new URL('../../docs/operating/monitoring.md', import.meta.url)), 'utf8');
    const listed = [...guide.matchAll(/^\| `(remote_claude_\w+)`\s*\| (\w+)/gm)].map(
      ([, name, type]) => `${name} ${type}`,
    );
    const all = (await Promise.all(names.map(metricsOf))).join('\n');
    const told = [...all.matchAll(/^# TYPE (remote_claude_\w+) (\w+)$/gm)].map(([, name, type]) => `${name} ${type}`);
    expect(listed.toSorted()).toEqual([...new Set(told)].toSorted());
  });

  it('promtool is content with the rules and the scrape configuration of the guide', async () => {
    const guide = await readFile(fileURLToPath(new URL('../../docs/operating/monitoring.md', import.meta.url)), 'utf8');
    const blocks = [...guide.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, yaml = '']) => yaml);
    const rules = blocks.find((yaml) => yaml.startsWith('groups:')) ?? '';
    const scrape = blocks.find((yaml) => yaml.startsWith('scrape_configs:')) ?? '';
    expect([rules, await checkYaml('rules', rules)]).toEqual([expect.stringContaining('alert:'), '']);
    expect([scrape, await checkYaml('config', scrape)]).toEqual([expect.stringContaining('remote-claude'), '']);
    for (const [, name = ''] of rules.matchAll(/(remote_claude_\w+?)(?:_bucket|_count|_sum)?\b/g))
      expect(guide).toContain(`| \`${name}`);
  });
});

describe('/readyz', () => {
  const ask = async (name: Name) => {
    const answer = await fetch(`${role(name).url}/readyz`);
    const body = (await answer.json()) as { ready: boolean; degraded: boolean; reasons: string[] };
    return { status: answer.status, ...body };
  };

  it('is well with Redis away, and says that it is', async () => {
    await redis.kill();
    for (const name of working)
      await until(async () => (await ask(name)).degraded, { what: `the ${name} to miss Redis` });
    expect(await ask('api')).toMatchObject({
      status: 200,
      ready: true,
      degraded: true,
      reasons: ['Redis does not answer: everything works without it, some of it a little later.'],
    });
    await counted('max(remote_claude_redis_connected)', 0);
    await redis.start();
    for (const name of working)
      await until(async () => !(await ask(name)).degraded, { what: `the ${name} to find Redis` });
  });

  it('takes no work with a silent database, says so in time, and does again when it is back', async () => {
    toDatabase.freeze();
    try {
      for (const name of working) {
        const askedAtMs = performance.now();
        const answer = await ask(name);
        // It gives up after 1.5 s; the rest is for a machine that has much to do.
        expect(performance.now() - askedAtMs).toBeLessThan(10_000);
        expect(answer).toMatchObject({ status: 503, ready: false });
        expect(answer.reasons).toContain('The database does not answer.');
        expect(answer.reasons.join()).not.toMatch(/127\.0\.0\.1|localhost|postgres:|\d{4,}/);
      }
      expect((await ask('web')).status).toBe(200);
      // A scrape does not wait for it either.
      expect(await metricsOf('session-manager')).toContain('remote_claude_lease_held');
    } finally {
      toDatabase.thaw();
    }
    for (const name of working) await until(async () => (await ask(name)).ready, { what: `the ${name} to be ready` });
  });
});
