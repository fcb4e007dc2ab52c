// Users, sessions, their events, and what the first product needs beside them.
//
// What belongs to a session goes with its row. A user's row is never deleted while something refers to it: users are
// disabled or pseudonymised. Audit rows refer to nobody by key, so that they stay whatever is removed.

import { sql, type Migration } from 'kysely';

export const spine: Migration = {
  async up(db) {
    for (const statement of statements) await sql.raw(statement).execute(db);
  },
};

const statements = [
  `create table users (
    id uuid primary key default gen_random_uuid(),
    email text not null unique check (email = lower(email)),
    name text not null,
    password_hash text,
    site_role text not null check (site_role in ('admin', 'member')),
    disabled_at timestamptz,
    created_at timestamptz not null default now(),
    last_login timestamptz
  )`,
  `create table logins (
    id_hash bytea primary key,
    login_id uuid not null,
    user_id uuid not null references users (id),
    kind text not null check (kind in ('cookie', 'token')),
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    last_seen timestamptz not null default now(),
    rotated_at timestamptz,
    user_agent text,
    ip text
  )`,
  'create index logins_user on logins (user_id)',
  'create index logins_login on logins (login_id)',
  'create index logins_expiry on logins (expires_at)',
  `create table sessions (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null references users (id),
    name text not null,
    status text not null default 'starting' check (status in ('starting', 'running', 'stopped', 'error')),
    container_id text,
    created_at timestamptz not null default now(),
    last_activity timestamptz not null default now(),
    terminated_at timestamptz,
    wanted text not null default 'running' check (wanted in ('running', 'stopped', 'terminated')),
    config jsonb not null default '{}',
    place_id uuid,
    place_handle jsonb,
    place_doors jsonb,
    place_step text,
    place_reason text,
    place_started_at timestamptz,
    reachable_at timestamptz,
    head bigint not null default 0,
    state jsonb not null default '{}',
    epoch uuid not null default gen_random_uuid(),
    attempts integer not null default 0,
    retry_at timestamptz
  )`,
  'create index sessions_user on sessions (user_id, created_at desc, id desc)',
  // The reconciler looks at every session that has, or should have, a place.
  "create index sessions_live on sessions (wanted) where wanted = 'running' or place_id is not null",
  'create unique index sessions_place on sessions (place_id) where place_id is not null',
  `create table tickets (
    hash bytea primary key,
    login_id uuid not null,
    user_id uuid not null references users (id),
    session_id uuid not null references sessions (id) on delete cascade,
    expires_at timestamptz not null
  )`,
  'create index tickets_expiry on tickets (expires_at)',
  `create table events (
    session_id uuid not null references sessions (id) on delete cascade,
    seq bigint not null check (seq > 0),
    source text not null,
    n bigint not null,
    event jsonb not null,
    created_at timestamptz not null default now(),
    primary key (session_id, seq),
    unique (session_id, source, n)
  )`,
  // The same bytes in two sessions are two rows: whoever may read one session learns nothing of the other.
  `create table blobs (
    hash text not null,
    session_id uuid not null references sessions (id) on delete cascade,
    bytes bytea not null,
    media_type text not null,
    created_at timestamptz not null default now(),
    primary key (session_id, hash)
  )`,
  `create table commands (
    session_id uuid not null references sessions (id) on delete cascade,
    id uuid not null,
    position bigserial not null,
    type text not null,
    payload jsonb not null,
    author uuid references users (id),
    status text not null default 'pending' check (status in ('pending', 'done', 'refused')),
    result jsonb,
    created_at timestamptz not null default now(),
    done_at timestamptz,
    primary key (session_id, id)
  )`,
  "create index commands_pending on commands (session_id, position) where status = 'pending'",
  `create table approvals (
    id text not null,
    session_id uuid not null references sessions (id) on delete cascade,
    kind text not null,
    tool text,
    input jsonb,
    asked jsonb,
    status text not null default 'open' check (status in ('open', 'answered', 'expired')),
    decision jsonb,
    answered_by uuid references users (id),
    asked_at timestamptz not null default now(),
    answered_at timestamptz,
    primary key (session_id, id)
  )`,
  "create index approvals_open on approvals (session_id, asked_at) where status = 'open'",
  `create table tasks (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null references users (id),
    session_id uuid not null references sessions (id) on delete cascade,
    name text not null,
    description text,
    status text not null default 'queued'
      check (status in ('queued', 'running', 'needs_input', 'done', 'failed', 'cancelled')),
    created_at timestamptz not null default now(),
    completed_at timestamptz,
    command_id uuid,
    result text
  )`,
  'create index tasks_user on tasks (user_id, created_at desc, id desc)',
  'create index tasks_session on tasks (session_id, created_at desc)',
  `create unique index tasks_command on tasks (session_id, command_id) where command_id is not null`,
  `create table usage (
    id uuid primary key default gen_random_uuid(),
    session_id uuid not null references sessions (id) on delete cascade,
    user_id uuid not null references users (id),
    turn_id text,
    model text not null,
    input_tokens bigint not null default 0,
    output_tokens bigint not null default 0,
    cache_read_tokens bigint not null default 0,
    cache_write_tokens bigint not null default 0,
    cost_usd numeric(18, 9) not null default 0,
    created_at timestamptz not null default now(),
    request_id text
  )`,
  'create index usage_session on usage (session_id, turn_id)',
  'create index usage_user on usage (user_id, created_at)',
  // One answer of the model is counted once, however often its settling is repeated.
  'create unique index usage_request on usage (session_id, request_id) where request_id is not null',
  `create table audit_logs (
    id bigserial primary key,
    user_id uuid,
    session_id uuid,
    action text not null,
    details jsonb not null default '{}',
    created_at timestamptz not null default now(),
    ip text
  )`,
  'create index audit_logs_user on audit_logs (user_id, id desc)',
  'create index audit_logs_session on audit_logs (session_id, id desc)',
  `create table settings (
    key text primary key,
    value jsonb not null,
    updated_at timestamptz not null default now()
  )`,
  `create table secrets (
    name text primary key,
    ciphertext bytea not null,
    key_id text not null,
    updated_at timestamptz not null default now()
  )`,
  `create table idempotency (
    user_id uuid not null references users (id),
    key text not null,
    fingerprint text not null,
    status integer,
    body jsonb,
    created_at timestamptz not null default now(),
    primary key (user_id, key)
  )`,
  'create index idempotency_age on idempotency (created_at)',
  `create table uploads (
    id uuid primary key default gen_random_uuid(),
    session_id uuid not null references sessions (id) on delete cascade,
    user_id uuid not null references users (id),
    path text not null,
    size bigint not null check (size >= 0),
    offset_bytes bigint not null default 0 check (offset_bytes between 0 and size),
    metadata jsonb not null default '{}',
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    completed_at timestamptz
  )`,
  'create index uploads_session on uploads (session_id)',
  'create index uploads_expiry on uploads (expires_at)',
];
