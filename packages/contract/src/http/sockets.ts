/** The sockets in the route table, so that they are documented, authorised and counted like any route. */
import { sessionSockets } from '../socket/sockets.js';
import { defineRoute } from './route.js';
import { sessionParams } from './shared.js';

const socketErrors = ['unauthenticated', 'not_found', 'origin_refused'] as const;

const socketRoute = <K extends keyof typeof sessionSockets>(name: K) =>
  defineRoute({
    id: `sockets.${name}`,
    method: 'GET',
    path: sessionSockets[name].path,
    summary: sessionSockets[name].summary,
    permission: sessionSockets[name].permission,
    kind: 'socket',
    params: sessionParams,
    responses: { 101: null },
    errors: socketErrors,
  });

export const socketRoutes = {
  ws: socketRoute('ws'),
  claude: socketRoute('claude'),
  terminal: socketRoute('terminal'),
  files: socketRoute('files'),
} as const;
