// What the gateway is asked by roles in other processes: the model's settings, with a key that only it keeps, and the doors of
// sessions. Both ends of each question stand here, so that they cannot differ.

import { AppError, routes, modelSettings, userId as userIdSchema, type ModelSettings } from '@remote-claude/contract';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { z } from 'zod';

import type { InternalService, Peer } from '../../platform/internal/index.js';
import type { ModelChooser, Upstreams } from './upstream.js';

/** Who asks, as the api has made sure of. */
const asker = z.object({ userId: userIdSchema, ip: z.string() });
const change = asker.extend({ change: routes.settings.putModel.body });
const state = z.object({ settings: modelSettings, defaultModel: z.string().nullable() });
const tested = routes.settings.testModel.responses[200];

const answer = (response: ServerResponse, body: unknown): void => {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
};
const maxQuestionBytes = 64 * 1024;
const bodyOf = async <T>(request: IncomingMessage, schema: z.ZodType<T>): Promise<T> => {
  if (Number(request.headers['content-length'] ?? 0) > maxQuestionBytes) throw new AppError('payload_too_large');
  return schema.parse(JSON.parse(await text(request)));
};

/** `model` of the gateway's internal port. */
export const createModelService = (upstreams: Upstreams): InternalService => ({
  async request(path, request, response) {
    const asked = `${request.method ?? ''} ${path}`;
    if (asked === 'GET ') {
      const [settings, defaultModel] = await Promise.all([upstreams.describe(), upstreams.defaultModel()]);
      return answer(response, { settings, defaultModel });
    }
    if (asked === 'PUT ') {
      const given = await bodyOf(request, change);
      return answer(response, await upstreams.change(given, given.change, given.ip));
    }
    if (asked === 'POST /test') {
      const given = await bodyOf(request, asker);
      return answer(response, await upstreams.test(given, given.ip));
    }
    throw new AppError('not_found');
  },
});

/** The same, where the gateway is another process: nothing of it is kept here, the key least of all. */
export const createRemoteModelChooser = (gateway: Peer): ModelChooser => {
  const read = () => gateway.ask({ method: 'GET', path: '/model' }, state);
  return {
    describe: async (): Promise<ModelSettings> => (await read()).settings,
    source: async () => (await read()).settings.source,
    defaultModel: async () => (await read()).defaultModel,
    change: ({ userId }, wanted, ip) =>
      gateway.ask({ method: 'PUT', path: '/model', body: { userId, ip, change: wanted } }, modelSettings),
    test: ({ userId }, ip) =>
      gateway.ask({ method: 'POST', path: '/model/test', body: { userId, ip }, withinMs: 30_000 }, tested),
  };
};

/** `doors` of the gateway's internal port: `look` says that a session's row may be another. */
export const createDoorsService = (look: (sessionId: string) => Promise<void>): InternalService => ({
  async request(path, request, response) {
    const sessionId = /^\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/.exec(path)?.[1];
    if (request.method !== 'PUT' || sessionId === undefined) throw new AppError('not_found');
    await look(sessionId);
    answer(response, null);
  },
});

/** The doors of sessions, where the gateway is another process. It finds in the row what is to be opened. */
export const createRemoteDoors = (gateway: Peer) => ({
  open: async (sessionId: string): Promise<void> =>
    void (await gateway.ask({ method: 'PUT', path: `/doors/${sessionId}` }, z.unknown())),
  /** Nothing is asked: the place has ended, so nobody is behind that door, and the gateway closes it by the row. */
  close: async (): Promise<void> => {},
});
