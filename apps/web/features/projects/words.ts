/** What the parts in a project are called, and what each may. Pure. */
import type { Project, ProjectRole } from '@remote-claude/contract';

export const roleChoices: readonly { value: ProjectRole; label: string; hint: string }[] = [
  { value: 'owner', label: 'Owner', hint: 'Also says who is in it, and what Claude may do in all of its sessions.' },
  { value: 'editor', label: 'Editor', hint: 'Makes sessions in it and works in all of them.' },
  { value: 'viewer', label: 'Viewer', hint: 'Reads along in all of its sessions.' },
];

export const roleWord = (role: ProjectRole): string => roleChoices.find(({ value }) => value === role)?.label ?? role;

const counted = (count: number, one: string, many: string): string => `${count} ${count === 1 ? one : many}`;

export const sizeWords = ({ sessions, people }: Pick<Project, 'sessions' | 'people'>): string =>
  `${counted(sessions, 'session', 'sessions')} · ${counted(people, 'person', 'people')}`;
