/** The OpenAPI 3.1 document of the route table. Pure: the same table gives the same document. */
import { z } from 'zod';

import { errorBody, errorTable, type ErrorCode } from './errors.js';
import { allRoutes, commonErrors, rootRoutes, type Route } from './http/index.js';
import { clientMessage, serverMessage } from './socket/index.js';

type Json = Record<string, unknown>;

const schemaOf = (schema: z.ZodType, io: 'input' | 'output'): Json => {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as Json;
  return rest;
};

const parametersOf = (route: Route): Json[] =>
  (['params', 'query'] as const).flatMap((place) => {
    const schema = route[place];
    if (schema === undefined) return [];
    const { properties = {}, required = [] } = schemaOf(schema, 'input') as {
      properties?: Record<string, Json>;
      required?: string[];
    };
    return Object.entries(properties).map(([name, property]) => ({
      name: name === '*' ? 'path' : name,
      in: place === 'params' ? 'path' : 'query',
      required: place === 'params' || required.includes(name),
      schema: property,
    }));
  });

/** What a caller may send so that it can send the same again. */
const keyParameter = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description:
    'Names this act, so that it may be sent again: the first answer is given again, and nothing is done twice. Kept for a day, for one user and route.',
  schema: { type: 'string', minLength: 1, maxLength: 255, pattern: '^[!-~]+$' },
};

const keyErrors = ({ repeat }: Route): readonly ErrorCode[] =>
  repeat === null ? [] : repeat === 'refused' ? ['key_reused', 'outcome_unknown'] : ['key_reused'];

const errorAnswers = (route: Route): Json => {
  const codes: ErrorCode[] = [...new Set([...commonErrors, ...route.errors, ...keyErrors(route)])];
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of codes)
    byStatus.set(errorTable[code].status, [...(byStatus.get(errorTable[code].status) ?? []), code]);
  return Object.fromEntries(
    [...byStatus].map(([status, of]) => [
      status,
      {
        description: of.map((code) => `\`${code}\`: ${errorTable[code].message}`).join('\n\n'),
        content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
      },
    ]),
  );
};

const answersOf = (route: Route): Json =>
  Object.fromEntries(
    Object.entries(route.responses).map(([status, schema]) => [
      status,
      schema === null
        ? { description: route.kind === 'socket' ? 'Switches to WebSocket; see x-messages.' : 'Done.' }
        : { description: 'Done.', content: { 'application/json': { schema: schemaOf(schema, 'output') } } },
    ]),
  );

const operationOf = (route: Route): Json => ({
  operationId: route.id,
  summary: route.summary,
  tags: [route.id.split('.')[0]],
  ...(route.permission === 'public' ? { security: [] } : {}),
  'x-permission': route.permission,
  parameters: [...parametersOf(route), ...(route.repeat === null ? [] : [keyParameter])],
  ...(route.body
    ? { requestBody: { required: true, content: { 'application/json': { schema: schemaOf(route.body, 'input') } } } }
    : {}),
  ...(route.kind === 'upload' ? { requestBody: { content: { 'application/octet-stream': { schema: {} } } } } : {}),
  responses: { ...errorAnswers(route), ...answersOf(route) },
});

/** `version` is the product's; `basePath` where `/api` is, for the `servers` entry. */
export const openApiDocument = ({ version, basePath }: { version: string; basePath: string }): Json => {
  const paths: Record<string, Json> = {};
  const sockets: Record<string, Json> = {};
  for (const route of allRoutes) {
    const path = route.path.replace(/:(\w+)/g, '{$1}').replace('*', '{path}');
    if (route.kind === 'socket') sockets[path] = operationOf(route);
    else paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(route) };
  }
  const root = basePath === '/' ? '' : basePath;
  // A server of its own, since these are not under `/api`.
  for (const route of Object.values<Route>(rootRoutes))
    paths[route.path] = { get: { ...operationOf(route), servers: [{ url: root === '' ? '/' : root }] } };
  return {
    openapi: '3.1.0',
    info: { title: 'Remote Claude', version, description: 'Claude Code as a self-hosted web product for a team.' },
    servers: [{ url: `${root}/api` }],
    security: [{ cookie: [] }, { bearer: [] }],
    paths,
    components: {
      schemas: { Error: schemaOf(errorBody, 'output') },
      securitySchemes: {
        cookie: { type: 'apiKey', in: 'cookie', name: '__Host-rc_login' },
        bearer: { type: 'http', scheme: 'bearer' },
      },
    },
    'x-sockets': sockets,
    'x-messages': { toServer: schemaOf(clientMessage, 'input'), fromServer: schemaOf(serverMessage, 'output') },
  };
};
