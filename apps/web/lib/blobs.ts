/** The whole of what an event only begins, by its hash: fetched when somebody wants to see it, and it never changes. */
import { useQuery } from '@tanstack/react-query';
import {
  addressOf,
  AppError,
  errorOf,
  routes,
  type BoundedText,
  type SessionId,
  type ToolInput,
  type WholeInput,
} from '@remote-claude/contract';

import { apiUrl } from './base-path';
import { isCode } from './client';

const fetchBlob = async (id: SessionId, hash: string, signal?: AbortSignal): Promise<string> => {
  let answer: Response;
  try {
    answer = await fetch(apiUrl() + addressOf(routes.claude.blob, { params: { id, hash } }), {
      signal: signal ?? null,
    });
  } catch (cause) {
    throw new AppError(
      'unavailable',
      { message: 'The server did not answer. Check the connection and try again.' },
      { cause },
    );
  }
  const text = await answer.text();
  if (!answer.ok) throw errorOf(answer.status, text);
  return text;
};

/** All of a text; null where the rest of it was not kept. */
export const wholeText = async (id: SessionId, { text, blob, cut }: BoundedText): Promise<string | null> =>
  blob !== undefined ? fetchBlob(id, blob) : cut === true ? null : text;

/** With no hash it asks for nothing. */
export const useBlob = (id: SessionId, hash: string | null) =>
  useQuery({
    queryKey: ['blob', id, hash],
    queryFn: ({ signal }) => fetchBlob(id, hash ?? '', signal),
    enabled: hash !== null,
    staleTime: Infinity,
    // It may be megabytes, and the browser's own cache has it.
    gcTime: 60_000,
    retry: (count, error) => count < 2 && isCode(error, 'unavailable'),
  });

const inputOf = (text: string): ToolInput | null => {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as ToolInput) : null;
  } catch {
    return null;
  }
};

export interface SeenInput {
  /** The whole where it is there, else what the event has of it. */
  input: ToolInput;
  /** `lost`: nobody has the rest. */
  state: 'whole' | 'beginning' | 'loading' | 'failed' | 'lost';
  retry: () => void;
}

/** A tool's input, which is asked for in full while `wanted`. */
export const useInput = (
  id: SessionId,
  asked: { input: ToolInput; wholeInput?: WholeInput | undefined } | null,
  wanted: boolean,
): SeenInput => {
  const hash = asked?.wholeInput?.blob ?? null;
  const blob = useBlob(id, wanted ? hash : null);
  const retry = (): void => void blob.refetch();
  const input = asked?.input ?? {};
  if (asked?.wholeInput === undefined) return { input, state: 'whole', retry };
  if (hash === null) return { input, state: 'lost', retry };
  if (!wanted) return { input, state: 'beginning', retry };
  if (blob.isFetching) return { input, state: 'loading', retry };
  if (blob.data === undefined) return { input, state: isCode(blob.error, 'not_found') ? 'lost' : 'failed', retry };
  const whole = inputOf(blob.data);
  return whole === null ? { input, state: 'failed', retry } : { input: whole, state: 'whole', retry };
};
