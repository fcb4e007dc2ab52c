// Sign-ins: opaque logins, stored hashed, whose cookies rotate. Who may do what is not decided here.

import { AppError, type SessionId, type UserId } from '@remote-claude/contract';

import type { Bus } from '../../platform/bus.js';
import type { Clock } from '../../platform/clock.js';
import type { Database, Executor, Trx } from '../../platform/database/index.js';
import type { Actor } from '../../platform/http/index.js';
import { createToken, hashToken } from '../../platform/tokens.js';
import type { Audit } from '../audit/index.js';
import type { Attempts } from './attempts.js';
import { verifyPassword } from './passwords.js';
import type { AuthStore, LoginRow } from './store.js';

export interface AuthTiming {
  /** A cookie or token ends this long after it was made or last rotated. */
  lifetimeMs: number;
  /** A cookie older than this is replaced on its next use. */
  rotateAfterMs: number;
  /** The replaced cookie still works this long, for requests under way. */
  rotationGraceMs: number;
  ticketMs: number;
}

export interface AuthDeps {
  database: Database;
  store: AuthStore;
  audit: Audit;
  attempts: Attempts;
  bus: Bus;
  clock: Clock;
  timing: AuthTiming;
}

export interface Origin {
  ip: string;
  userAgent: string | null;
}

export interface SignIn {
  userId: UserId;
  /** Worth the whole sign-in: goes into the cookie or the answer and nowhere else. */
  token: string;
  expiresAt: Date;
}

/** Channel on which the ids of ended logins are told, so that open sockets close. */
const revokedChannel = 'logins_revoked';
const idsPerMessage = 100;

export const createAuth = (deps: AuthDeps) => {
  const { database, store, clock, timing } = deps;
  const later = (ms: number): Date => new Date(clock.now().getTime() + ms);

  const actorOf = (row: LoginRow): Actor => ({
    userId: row.userId as UserId,
    email: row.email,
    name: row.name,
    role: row.role,
    loginId: row.loginId,
    kind: row.kind,
  });

  const begin = async (
    executor: Executor,
    userId: string,
    kind: 'cookie' | 'token',
    origin: Origin,
  ): Promise<SignIn> => {
    const token = createToken();
    const expiresAt = later(timing.lifetimeMs);
    await store.insertLogin(executor, {
      idHash: hashToken(token),
      loginId: crypto.randomUUID(),
      userId,
      kind,
      createdAt: clock.now(),
      expiresAt,
      ...origin,
    });
    await store.touchUser(executor, userId, clock.now());
    return { userId: userId as UserId, token, expiresAt };
  };

  /** Replaces an old cookie; null where another request did so first, which keeps its own. */
  const rotate = async (token: string, row: LoginRow): Promise<SignIn | null> => {
    const successor = createToken();
    const expiresAt = later(timing.lifetimeMs);
    return database.transaction(async (trx) => {
      const mine = await store.retire(trx, hashToken(token), {
        now: clock.now(),
        repeatAfter: later(-timing.rotationGraceMs / 10),
        graceEnd: later(timing.rotationGraceMs),
      });
      if (!mine) return null;
      await store.insertLogin(trx, {
        idHash: hashToken(successor),
        loginId: row.loginId,
        userId: row.userId,
        kind: row.kind,
        createdAt: clock.now(),
        expiresAt,
        userAgent: null,
        ip: null,
      });
      return { userId: row.userId as UserId, token: successor, expiresAt };
    });
  };

  /** In pieces, since a message of the bus is short. */
  const tellRevoked = async (executor: Trx, loginIds: readonly string[]): Promise<void> => {
    for (let start = 0; start < loginIds.length; start += idsPerMessage) {
      await deps.bus.publishIn(executor, revokedChannel, { loginIds: loginIds.slice(start, start + idsPerMessage) });
    }
  };

  return {
    begin,

    /** The actor of a cookie or token. `renewed` is a cookie that must replace the one that was sent. */
    async resolve(
      token: string,
      { mayRotate }: { mayRotate: boolean },
    ): Promise<{ actor: Actor; renewed: SignIn | null } | null> {
      const row = await store.findLogin(hashToken(token), clock.now());
      if (row === null) return null;
      const old =
        mayRotate && row.kind === 'cookie' && clock.now().getTime() - row.createdAt.getTime() > timing.rotateAfterMs;
      return { actor: actorOf(row), renewed: old ? await rotate(token, row) : null };
    },

    async login(email: string, password: string, kind: 'cookie' | 'token', origin: Origin): Promise<SignIn> {
      await deps.attempts.count(origin.ip, email);
      const user = await store.userByEmail(email);
      const matches = await verifyPassword(user?.password_hash ?? null, password);
      if (user === undefined || !matches || user.disabled_at !== null) {
        await deps.audit.record(database.db, {
          userId: null,
          sessionId: null,
          action: 'auth.login.refused',
          details: { email },
          ip: origin.ip,
        });
        throw new AppError('wrong_credentials');
      }
      await deps.attempts.clear(origin.ip, email);
      return database.transaction(async (trx) => {
        await deps.audit.record(trx, {
          userId: user.id,
          sessionId: null,
          action: 'auth.login',
          details: { kind },
          ip: origin.ip,
        });
        return begin(trx, user.id, kind, origin);
      });
    },

    async logout(actor: Actor, ip: string): Promise<void> {
      await database.transaction(async (trx) => {
        await deps.audit.record(trx, { userId: actor.userId, sessionId: null, action: 'auth.logout', ip });
        await store.deleteLogin(trx, actor.loginId);
        await tellRevoked(trx, [actor.loginId]);
      });
    },

    /** Ends every sign-in of a user, within the transaction of what made it necessary. */
    async revokeUser(trx: Trx, userId: string): Promise<void> {
      await tellRevoked(trx, await store.deleteLoginsOf(trx, userId));
    },

    async issueTicket(actor: Actor, sessionId: SessionId, ip: string): Promise<{ ticket: string; expiresAt: Date }> {
      const ticket = createToken();
      const expiresAt = later(timing.ticketMs);
      await database.transaction(async (trx) => {
        await deps.audit.record(trx, { userId: actor.userId, sessionId, action: 'auth.ticket', ip });
        await store.insertTicket(trx, {
          hash: hashToken(ticket),
          loginId: actor.loginId,
          userId: actor.userId,
          sessionId,
          expiresAt,
        });
      });
      return { ticket, expiresAt };
    },

    async redeemTicket(ticket: string, sessionId: SessionId): Promise<Actor | null> {
      const found = await store.takeTicket(hashToken(ticket), sessionId, clock.now());
      return found === null ? null : { ...found, userId: found.userId as UserId, kind: 'token' };
    },

    /**
     * Tells the ids of logins as they end, on whichever replica. News can be missed while the database is away, so
     * afterwards the ids in `open` are looked at again.
     */
    onRevoked(listener: (loginId: string) => void, open: () => Iterable<string>): () => void {
      return deps.bus.subscribe(revokedChannel, (news) => {
        if (news.kind === 'message') {
          for (const id of (news.payload as { loginIds: string[] }).loginIds) listener(id);
          return;
        }
        const ids = [...new Set(open())];
        store.endedAmong(ids, clock.now()).then(
          (ended) => ended.forEach(listener),
          // The database went again: its return is told once more.
          () => {},
        );
      });
    },

    sweep: () => store.deleteExpired(clock.now()),
  };
};
export type Auth = ReturnType<typeof createAuth>;
