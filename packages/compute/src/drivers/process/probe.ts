/** Tries whether places can be started on this host, and says in words what is missing. It keeps nothing. */
import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { ProbeResult } from '../../driver.js';
import { enclosureArguments, userPrefix } from './bubblewrap-arguments.js';
import type { Tools } from './bubblewrap-arguments.js';
import { createCgroups } from './cgroups.js';
import type { EnforcedLimits } from './cgroups.js';
import type { Context } from './context.js';
import { writeOwnEtc } from './host-system.js';
import { runTool } from './run-tool.js';
import { isKnownProcessor } from './seccomp/filter.js';
import { makeSharedFolders, socketPathProblem } from './session-paths.js';
import type { Roots } from './session-paths.js';
import { tryUserScope } from './user-scope.js';

type Problem = ProbeResult['problems'][number];

export async function probeHost(context: Context, uid: number): Promise<ProbeResult> {
  const { roots, isolated, ownEtcFolder, childEnv } = context;
  if (process.platform !== 'linux') return notReady('This driver needs Linux.', 'Use the docker driver.');
  try {
    makeSharedFolders(roots);
    if (isolated) writeOwnEtc(ownEtcFolder);
  } catch (error) {
    const { message } = error as Error;
    return notReady(`The folders cannot be made: ${message}.`, 'Choose folders that the server may write.');
  }
  const { tools, missing } = context.lookForTools();
  const problems = [...missing, ...folderProblems(roots, isolated)];
  if (isolated && problems.length === 0)
    problems.push(...(await bubblewrapProblems({ ownEtcFolder, tools, uid, childEnv })));
  const warnings = isolated
    ? await limitWarnings(childEnv)
    : ['Sessions are not isolated: their code can read and change whatever the server can, and nothing limits it.'];
  return { ready: problems.length === 0, problems, warnings };
}

function notReady(what: string, mend: string): ProbeResult {
  return { ready: false, problems: [{ what, mend }], warnings: [] };
}

interface Trial {
  ownEtcFolder: string;
  tools: Tools;
  uid: number;
  childEnv: Record<string, string>;
}

/** What is wrong with the folders, whatever the isolation. */
export function folderProblems(roots: Roots, isolated: boolean): Problem[] {
  const problems: Problem[] = [];
  const tooLong = socketPathProblem(roots);
  if (tooLong !== null) problems.push({ what: tooLong, mend: 'Choose a shorter run folder.' });
  if (isolated && process.getuid?.() === 0) {
    for (const folder of new Set([roots.dataDir, roots.runDir].map(firstClosedFolder))) {
      if (folder === null) continue;
      problems.push({
        what: `Only root may enter ${folder}, so that sessions, which are not root, cannot reach their files below it.`,
        mend: `Choose a folder elsewhere, such as /var/lib/remote-claude, or: chmod o+x ${folder}`,
      });
    }
  }
  return problems;
}

/** The highest folder on the way to a path that others may not pass through. */
function firstClosedFolder(path: string): string | null {
  const above = path === '/' ? null : firstClosedFolder(dirname(path));
  if (above !== null) return above;
  return (statSync(path).mode & 0o001) === 0 ? path : null;
}

async function bubblewrapProblems(input: Trial): Promise<Problem[]> {
  const { tools, childEnv } = input;
  if (!isKnownProcessor(process.arch)) {
    return [
      {
        what: `There is no system call filter for the processor ${process.arch}.`,
        mend: 'Use a machine with an x86-64 or ARM64 processor.',
      },
    ];
  }
  const version = await runTool([tools.bwrap, '--version'], childEnv);
  const [, major, minor] = /(\d+)\.(\d+)/.exec(version.output) ?? [];
  if (version.code !== 0 || (Number(major) === 0 && Number(minor) < 8)) {
    return [
      {
        what: `bubblewrap 0.8 or newer is needed, found: ${version.output.trim()}.`,
        mend: 'Install a newer bubblewrap.',
      },
    ];
  }
  const asUser = process.getuid?.() === 0 ? userPrefix(tools, input.uid) : [];
  const tried = await runTool(
    [...asUser, tools.bwrap, ...enclosureArguments(input.ownEtcFolder), '--', '/usr/bin/true'],
    childEnv,
  );
  if (tried.code === 0) return [];
  return [
    {
      what: `bubblewrap cannot make a place here: ${tried.output.trim().replaceAll(/\s+/g, ' ') || 'it gave no reason'}.`,
      mend: 'Allow user namespaces: sysctl kernel.unprivileged_userns_clone=1, user.max_user_namespaces above 0, and where AppArmor restricts them a profile for bwrap. In a container, use the docker driver.',
    },
  ];
}

async function limitWarnings(childEnv: Record<string, string>): Promise<string[]> {
  if (process.getuid?.() !== 0) {
    const found = await tryUserScope(childEnv);
    return found === null
      ? limitWarning(
          noLimits,
          'this user has no systemd that answers. Run as root, or sign in so that "systemctl --user" works.',
        )
      : limitWarning(
          found,
          "this user's systemd may not set that. Run as root, or delegate the controllers to user@.service.",
        );
  }
  const cgroups = createCgroups();
  const name = `probe-${process.pid}`;
  cgroups.create(name, { cpus: 1, memoryBytes: 64 * 1024 * 1024, processes: 16, openFiles: 16 });
  const enforced = cgroups.enforced(name);
  await cgroups.remove(name);
  return limitWarning(enforced, "this host's control groups do not offer that to the server.");
}

const noLimits: EnforcedLimits = { memory: false, processes: false, cpu: false };

/** One sentence about all that nothing holds back; none where everything is limited. */
export function limitWarning({ memory, processes, cpu }: EnforcedLimits, why: string): string[] {
  const free = [memory ? '' : 'memory', processes ? '' : 'number of processes', cpu ? '' : 'processor time'].filter(
    Boolean,
  );
  if (free.length === 0) return [];
  const last = free.pop();
  const words = free.length === 0 ? last : `${free.join(', ')} and ${last}`;
  return [`Nothing limits the ${words} of a session here: ${why}`];
}
