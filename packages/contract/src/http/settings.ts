/** The site's settings that an admin changes in the page. */
import { z } from 'zod';

import { modelName } from '../model/session.js';
import { defineRoute } from './route.js';

/** Where model calls go. The key itself is never in an answer. */
export const modelSettings = z.object({
  source: z.enum(['configuration', 'page', 'demo', 'none']),
  /** The last four characters, so that people can tell keys apart. */
  keyHint: z.string().nullable(),
  baseUrl: z.string(),
  model: z.string().nullable(),
  /** The configuration file sets the key, so the page cannot. */
  fixed: z.boolean(),
});
export type ModelSettings = z.infer<typeof modelSettings>;

const keyErrors = ['unauthenticated', 'forbidden'] as const;

export const settingsRoutes = {
  getModel: defineRoute({
    id: 'settings.model.get',
    method: 'GET',
    path: '/settings/model',
    summary: 'Whether a model key is set, and where calls go.',
    permission: 'settings.read',
    responses: { 200: modelSettings },
    errors: keyErrors,
  }),
  putModel: defineRoute({
    id: 'settings.model.put',
    method: 'PUT',
    path: '/settings/model',
    summary: 'Set the key (stored encrypted, shown never again), or turn to the demo model.',
    permission: 'settings.write',
    body: z.discriminatedUnion('use', [
      z.strictObject({
        use: z.literal('key'),
        apiKey: z.string().trim().min(8).max(400),
        baseUrl: z.url({ protocol: /^https?$/ }).optional(),
        model: modelName.optional(),
      }),
      z.strictObject({ use: z.literal('demo') }),
      z.strictObject({ use: z.literal('none') }),
    ]),
    responses: { 200: modelSettings },
    errors: [...keyErrors, 'conflict', 'unsupported_option'],
    audit: 'settings.model.put',
  }),
  testModel: defineRoute({
    id: 'settings.model.test',
    method: 'POST',
    path: '/settings/model/test',
    summary: 'Make the smallest model call with the settings in force, and say what came of it.',
    permission: 'settings.write',
    responses: { 200: z.object({ ok: z.boolean(), status: z.int().nullable(), message: z.string() }) },
    errors: [...keyErrors, 'model_not_configured'],
    audit: 'settings.model.test',
  }),
} as const;
