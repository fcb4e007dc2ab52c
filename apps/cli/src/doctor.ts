// `remote-claude doctor`: prints what is found of a set-up, line by line, and ends with 1 where something does not work.

import { ConfigError, examine, readConfig, type ConfigFlags, type Finding } from '@remote-claude/server';

export interface DoctorFlags extends ConfigFlags {
  config?: string;
  url?: string;
  image?: string;
  json?: boolean;
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const marks: Readonly<Record<Finding['state'], string>> = { ok: 'ok     ', warning: 'warning', problem: 'PROBLEM' };
const topicWidth = 16;

const linesOf = ({ topic, state, what, mend }: Finding): string => {
  const first = `${marks[state]}  ${topic.padEnd(topicWidth)}  ${what}`;
  return mend === null ? first : `${first}\n${' '.repeat(marks.ok.length + topicWidth + 4)}→ ${mend}`;
};

export const doctor = async ({ url, image, json = false, ...flags }: DoctorFlags): Promise<void> => {
  try {
    const config = readConfig(flags);
    const counts = { ok: 0, warning: 0, problem: 0 };
    for await (const finding of examine({ config, url: url ?? config.server.publicUrl, image: image ?? null })) {
      counts[finding.state] += 1;
      say(json ? JSON.stringify(finding) : linesOf(finding));
    }
    if (!json) say(`${counts.problem} problems, ${counts.warning} warnings, ${counts.ok} in order`);
    process.exitCode = counts.problem > 0 ? 1 : 0;
  } catch (thrown) {
    if (!(thrown instanceof ConfigError)) throw thrown;
    process.stderr.write(`${thrown.message}\n`);
    process.exitCode = 1;
  }
};
