// Projects: what every session belongs to. The database itself gives each person one of their own, and puts a session that
// names none into its owner's, so that what the version before makes has one too.

import { sql, type Migration } from 'kysely';

export const projects: Migration = {
  async up(db) {
    for (const statement of statements) await sql.raw(statement).execute(db);
  },
};

const statements = [
  `create table projects (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null references users (id),
    name text not null,
    description text not null default '',
    personal boolean not null default false,
    defaults jsonb not null default '{}',
    created_at timestamptz not null default now(),
    archived_at timestamptz
  )`,
  'create unique index projects_personal on projects (user_id) where personal',
  `create table project_members (
    project_id uuid not null references projects (id),
    user_id uuid not null references users (id),
    role text not null check (role in ('owner', 'editor', 'viewer')),
    added_at timestamptz not null default now(),
    primary key (project_id, user_id)
  )`,
  'create index project_members_of_user on project_members (user_id)',
  // Apart from what a person always allows, which the version before tells to all sessions of that person.
  `create table project_rules (
    id uuid primary key default gen_random_uuid(),
    project_id uuid not null references projects (id),
    user_id uuid not null references users (id),
    rule jsonb not null,
    created_at timestamptz not null default now()
  )`,
  'create unique index project_rules_once on project_rules (project_id, md5(rule::text))',
  `create function make_personal_project() returns trigger language plpgsql as $$
  declare
    made uuid;
  begin
    insert into projects (user_id, name, personal) values (new.id, 'Personal', true) returning id into made;
    insert into project_members (project_id, user_id, role) values (made, new.id, 'owner');
    return null;
  end $$`,
  // Takes a lock until the end: nobody is added between this and the next statement.
  `create trigger users_personal_project after insert on users
    for each row execute function make_personal_project()`,
  "insert into projects (user_id, name, personal) select id, 'Personal', true from users",
  "insert into project_members (project_id, user_id, role) select id, user_id, 'owner' from projects",
  'alter table sessions add column project_id uuid references projects (id)',
  `update sessions set project_id = projects.id from projects
    where projects.user_id = sessions.user_id and projects.personal`,
  'alter table sessions alter column project_id set not null',
  'create index sessions_project on sessions (project_id)',
  `create function put_in_personal_project() returns trigger language plpgsql as $$
  begin
    new.project_id := (select id from projects where user_id = new.user_id and personal);
    return new;
  end $$`,
  `create trigger sessions_in_project before insert on sessions
    for each row when (new.project_id is null) execute function put_in_personal_project()`,
  // Who has which part in a session, and by what: a person may be in it more than once.
  `create view session_people as
    select id as session_id, user_id, 'owner'::text as role from sessions
    union all
    select session_id, user_id, role from session_members
    union all
    select sessions.id, project_members.user_id, project_members.role
      from project_members join sessions on sessions.project_id = project_members.project_id`,
];
