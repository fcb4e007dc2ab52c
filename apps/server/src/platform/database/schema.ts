// The tables as TypeScript sees them: rows in snake_case, exactly as the migrations make them. No queries here.
//
// Numbers: int8 and numeric arrive as JavaScript numbers (exact to 2^53, which no counter here reaches; money is
// rounded to 15 digits). Times arrive as Date. A jsonb column takes only what `json()` made.

import type { ColumnType, Generated } from 'kysely';
import type { JsonParameter } from './json.js';

type CreatedAt = ColumnType<Date, Date | undefined, never>;
type Time = Date;
type Json = ColumnType<unknown, JsonParameter, JsonParameter>;
type JsonOrEmpty = ColumnType<unknown, JsonParameter | undefined, JsonParameter>;
type JsonOrNull = ColumnType<unknown, JsonParameter | null | undefined, JsonParameter | null>;

export interface UsersTable {
  id: Generated<string>;
  /** In lower case. */
  email: string;
  name: string;
  password_hash: string | null;
  site_role: 'admin' | 'member';
  disabled_at: Time | null;
  created_at: CreatedAt;
  last_login: Time | null;
}

export interface LoginsTable {
  id_hash: Buffer;
  /** The sign-in, which stays the same when its cookie is replaced. */
  login_id: string;
  user_id: string;
  kind: 'cookie' | 'token';
  created_at: CreatedAt;
  expires_at: Time;
  last_seen: Generated<Time>;
  /** When another cookie took its place; this one is honoured for a moment longer. */
  rotated_at: Time | null;
  user_agent: string | null;
  ip: string | null;
}

export interface TicketsTable {
  hash: Buffer;
  login_id: string;
  user_id: string;
  session_id: string;
  expires_at: Time;
}

export interface SessionsTable {
  id: Generated<string>;
  user_id: string;
  /** Whoever names none gets the personal one of the owner. */
  project_id: ColumnType<string, string | undefined, string>;
  name: string;
  status: Generated<'starting' | 'running' | 'stopped' | 'error'>;
  container_id: string | null;
  created_at: CreatedAt;
  last_activity: Generated<Time>;
  terminated_at: Time | null;
  wanted: Generated<'running' | 'stopped' | 'terminated'>;
  config: JsonOrEmpty;
  place_id: string | null;
  place_handle: JsonOrNull;
  place_doors: JsonOrNull;
  place_step: string | null;
  place_reason: string | null;
  place_started_at: Time | null;
  reachable_at: Time | null;
  /** Number of the newest event; each insert into `events` takes the row's lock and counts it up. */
  head: Generated<number>;
  /** The reducers' state at `head`. */
  state: JsonOrEmpty;
  epoch: Generated<string>;
  attempts: Generated<number>;
  retry_at: Time | null;
  /** When its place was first started with success: since then its disk exists, and is not made anew in silence. */
  disk_made_at: Time | null;
  /** When the removal of a terminated session's disk began, which the audit log has. */
  disk_removal_at: Time | null;
  disk_removed_at: Time | null;
  /** Where its disk is; null before a manager has taken it. Only managers of that engine look after it. */
  engine: string | null;
  /** When a person last asked for it to run, on the database's clock: its turn among those that wait for a place. */
  wanted_at: Generated<Time>;
  /** Who looks after it for as long as that manager's row lives. */
  lease_owner: string | null;
  /** Counts the owners up: a write of an earlier one is refused. */
  lease_fence: Generated<number>;
}

export interface ManagersTable {
  id: string;
  engine: string;
  host: string;
  started_at: CreatedAt;
  /** On the database's clock, as every comparison with it. */
  expires_at: Time;
}

/** What sessions' places run on. Its row is locked by whoever gives a place away. */
export interface EnginesTable {
  id: string;
  /** It had no room for one more beside so many places; null where it has not refused since. */
  refused_places: number | null;
  refused_said: string | null;
  /** When one more may be tried nevertheless, on the database's clock. */
  probe_at: Time | null;
}

export interface EventsTable {
  session_id: string;
  seq: number;
  source: string;
  n: number;
  event: Json;
  created_at: CreatedAt;
}

export interface BlobsTable {
  hash: string;
  session_id: string;
  bytes: Buffer;
  media_type: string;
  created_at: CreatedAt;
}

export interface CommandsTable {
  session_id: string;
  id: string;
  position: Generated<number>;
  type: string;
  payload: Json;
  author: string | null;
  status: Generated<'pending' | 'done' | 'refused'>;
  result: JsonOrNull;
  created_at: CreatedAt;
  done_at: Time | null;
}

export interface ApprovalsTable {
  id: string;
  session_id: string;
  kind: string;
  tool: string | null;
  input: JsonOrNull;
  asked: JsonOrNull;
  status: Generated<'open' | 'answered' | 'expired'>;
  decision: JsonOrNull;
  answered_by: string | null;
  asked_at: Generated<Time>;
  answered_at: Time | null;
}

export interface ApprovalRulesTable {
  id: Generated<string>;
  user_id: string;
  rule: unknown;
  created_at: CreatedAt;
}

export interface TasksTable {
  id: Generated<string>;
  user_id: string;
  session_id: string;
  name: string;
  description: string | null;
  status: Generated<'queued' | 'running' | 'needs_input' | 'done' | 'failed' | 'cancelled'>;
  created_at: CreatedAt;
  completed_at: Time | null;
  command_id: string | null;
  result: string | null;
}

export interface UsageTable {
  id: Generated<string>;
  session_id: string;
  user_id: string;
  turn_id: string | null;
  model: string;
  input_tokens: Generated<number>;
  output_tokens: Generated<number>;
  cache_read_tokens: Generated<number>;
  cache_write_tokens: Generated<number>;
  cost_usd: Generated<number>;
  created_at: CreatedAt;
  request_id: string | null;
}

export interface AuditLogsTable {
  id: Generated<number>;
  user_id: string | null;
  session_id: string | null;
  action: string;
  details: JsonOrEmpty;
  created_at: CreatedAt;
  ip: string | null;
}

export interface SettingsTable {
  key: string;
  value: Json;
  updated_at: Generated<Time>;
}

export interface SecretsTable {
  name: string;
  ciphertext: Buffer;
  key_id: string;
  updated_at: Generated<Time>;
}

export interface IdempotencyTable {
  user_id: string;
  key: string;
  fingerprint: string;
  /** Absent while it is not known what came of the first request with this key. */
  status: number | null;
  /** `{ operationId, text? }`: under which id the act is done, and its answer. */
  body: JsonOrNull;
  created_at: ColumnType<Date, Date, Date>;
}

export interface SessionMembersTable {
  session_id: string;
  user_id: string;
  role: 'editor' | 'viewer';
  added_at: CreatedAt;
}

/** Each user has a personal one from the beginning. */
export interface ProjectsTable {
  id: Generated<string>;
  /** Who made it, or whose own it is. */
  user_id: string;
  name: string;
  description: Generated<string>;
  personal: Generated<boolean>;
  defaults: JsonOrEmpty;
  created_at: CreatedAt;
  archived_at: Time | null;
}

export interface ProjectMembersTable {
  project_id: string;
  user_id: string;
  role: 'owner' | 'editor' | 'viewer';
  added_at: CreatedAt;
}

export interface ProjectRulesTable {
  id: Generated<string>;
  project_id: string;
  /** Who allowed it. */
  user_id: string;
  rule: unknown;
  created_at: CreatedAt;
}

/** A view: the owner of each session, those with whom it is shared, and the people of its project. */
export interface SessionPeopleView {
  session_id: string;
  user_id: string;
  role: 'owner' | 'editor' | 'viewer';
}

export interface DatabaseSchema {
  users: UsersTable;
  logins: LoginsTable;
  tickets: TicketsTable;
  sessions: SessionsTable;
  session_members: SessionMembersTable;
  session_people: SessionPeopleView;
  projects: ProjectsTable;
  project_members: ProjectMembersTable;
  project_rules: ProjectRulesTable;
  managers: ManagersTable;
  engines: EnginesTable;
  events: EventsTable;
  blobs: BlobsTable;
  commands: CommandsTable;
  approvals: ApprovalsTable;
  approval_rules: ApprovalRulesTable;
  tasks: TasksTable;
  usage: UsageTable;
  audit_logs: AuditLogsTable;
  settings: SettingsTable;
  secrets: SecretsTable;
  idempotency: IdempotencyTable;
}
