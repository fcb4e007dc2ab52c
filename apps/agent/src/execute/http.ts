/** POST of `agentPaths.execute`. It does not know how commands run. */
import { agentPaths, AppError, executeRequest } from '@remote-claude/contract';

import { readJson, sendError, sendJson, validated } from '../files/index.js';
import type { HttpPart, Log } from '../parts.js';
import type { Execute } from './execute.js';

export const createExecuteHttp = (execute: Execute, log: Log): HttpPart => ({
  async handle(request, response, url) {
    if (url.pathname !== agentPaths.execute) return false;
    try {
      if (request.method !== 'POST') throw new AppError('method_not_allowed');
      const wanted = validated(executeRequest, await readJson(request));
      const gone = new AbortController();
      response.on('close', () => gone.abort());
      sendJson(response, 200, await execute.run(wanted, { signal: gone.signal }));
    } catch (error) {
      sendError(response, error, log);
    }
    return true;
  },
});
