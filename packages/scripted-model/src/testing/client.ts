/** A plain client of the Messages API for this package's tests: asks, and reads the events of a stream as they come. */
export interface StreamEvent {
  event: string;
  data: Record<string, unknown>;
}

export interface Answer {
  status: number;
  headers: Headers;
  events: StreamEvent[];
  /** The text of all deltas. */
  text: string;
  /** Whether the connection broke before the stream's end. */
  broken: boolean;
}

export const post = (
  url: string,
  body: unknown,
  init: { path?: string; headers?: Record<string, string>; signal?: AbortSignal } = {},
): Promise<Response> =>
  fetch(url + (init.path ?? '/v1/messages?beta=true'), {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'anthropic-version': '2023-06-01', ...init.headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...(init.signal === undefined ? {} : { signal: init.signal }),
  });

export const say = (text: string, more: object = {}): Record<string, unknown> => ({
  model: 'claude-opus-5-5',
  max_tokens: 1_000,
  messages: [{ role: 'user', content: text }],
  ...more,
});

/** Asks for a stream and reads it to its end; `onEvent` sees each event as it arrives. */
export const stream = async (
  url: string,
  body: Record<string, unknown>,
  onEvent: (event: StreamEvent) => void = () => undefined,
): Promise<Answer> => {
  const response = await post(url, { ...body, stream: true });
  const events: StreamEvent[] = [];
  let broken = false;
  let rest = '';
  try {
    for await (const chunk of (response.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream())) {
      const parts = (rest + chunk).split('\n\n');
      rest = parts.pop() ?? '';
      for (const part of parts) {
        const event = parseEvent(part);
        events.push(event);
        onEvent(event);
      }
    }
  } catch {
    broken = true;
  }
  return { status: response.status, headers: response.headers, events, broken, text: textOf(events) };
};

const parseEvent = (part: string): StreamEvent => {
  const [first = '', second = ''] = part.split('\n');
  return {
    event: first.replace('event: ', ''),
    data: JSON.parse(second.replace('data: ', '')) as Record<string, unknown>,
  };
};

const textOf = (events: readonly StreamEvent[]): string =>
  events.map(({ data }) => (data['delta'] as { text?: string } | undefined)?.text ?? '').join('');

export const messageIdOf = (answer: Answer): string | undefined =>
  (answer.events[0]?.data['message'] as { id: string } | undefined)?.id;
