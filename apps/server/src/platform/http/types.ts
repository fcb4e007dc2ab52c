/** What a route's handler gets and gives, and how it is bound to its route. Knows no feature. */
import type {
  BodyOf,
  Permission,
  ParamsOf,
  QueryOf,
  ResponseOf,
  Route,
  SiteRole,
  UserId,
} from '@remote-claude/contract';
import type { FastifyReply, FastifyRequest } from 'fastify';

import type { Executor } from '../database/index.js';

/** Who acts: a signed-in user and the sign-in that they act by. */
export interface Actor {
  userId: UserId;
  email: string;
  name: string;
  role: SiteRole;
  /** Hash of the login session or token, hex: names the sign-in without being worth anything. */
  loginId: string;
  kind: 'cookie' | 'token';
}

export interface Call<R extends Route, A = Actor> {
  actor: A;
  params: ParamsOf<R>;
  query: QueryOf<R>;
  body: BodyOf<R>;
  /** Names this act: a repeat under the same Idempotency-Key has the same one. For the ids of what it makes. */
  operationId: string;
  requestId: string;
  ip: string;
  /** For streams, uploads and cookies. */
  request: FastifyRequest;
  reply: FastifyReply;
}

type Statuses<R extends Route> = Extract<keyof R['responses'], number>;
export type Answer<R extends Route> = { [S in Statuses<R>]: { status: S; body: ResponseOf<R, S> } }[Statuses<R>];

/** The handler answered by itself (a stream). */
export const answered = Symbol('answered');

/** `public` routes may have no actor. */
type ActorOf<R extends Route> = R['permission'] extends 'public' ? Actor | null : Actor;
export type Handler<R extends Route> = (call: Call<R, ActorOf<R>>) => Promise<Answer<R> | typeof answered>;

export interface BoundRoute {
  route: Route;
  handler: (call: Call<Route, Actor | null>) => Promise<{ status: number; body: unknown } | typeof answered>;
}

/** Binds a handler to its route; types come from the route alone. */
export const handle = <const R extends Route>(route: R, handler: Handler<R>): BoundRoute => ({
  route,
  handler: handler as unknown as BoundRoute['handler'],
});

/** Injected by the composition: the rules, which the HTTP layer does not know. */
export interface Access {
  /** The actor of a cookie or bearer token; null for none. Throws `unauthenticated` for one that is wrong. */
  authenticate(request: {
    headers: Readonly<Record<string, string | string[] | undefined>>;
    reply?: FastifyReply;
  }): Promise<Actor | null>;
  /**
   * Throws `unauthenticated`, `forbidden`, or `not_found` for a session or project that the actor has no part in. Within a
   * transaction it says what holds under its locks.
   */
  authorize(actor: Actor | null, permission: Permission, aboutId: string | null, executor?: Executor): Promise<void>;
  /** All that the actor may do in a session; empty for a stranger. */
  sessionPermissions(actor: Actor, sessionId: string): Promise<ReadonlySet<string>>;
}
