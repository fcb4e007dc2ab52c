// What the text of a devcontainer.json would do with a session. Pure: it reads no file and starts nothing. The text is a
// stranger's; whatever is not named here does nothing.

import { createHash } from 'node:crypto';
import {
  environmentName,
  imageName,
  sessionEnvironment,
  setupScript,
  type DevContainer,
  type DevContainerRemark,
} from '@remote-claude/contract';
import { parse, type ParseError } from 'jsonc-parser';

import type { ImageRules } from './images.js';

type Fields = Readonly<Record<string, unknown>>;

const maxRemarks = 50;
const maxPorts = 100;
const noRights = 'No repository gives a session more rights than others have.';
/** Why a field does nothing, where there is more to say than that nothing uses it. */
const unused: Readonly<Record<string, string>> = {
  privileged: noRights,
  capAdd: noRights,
  securityOpt: noRights,
  runArgs: noRights,
  mounts: 'A session sees its own disk and nothing else.',
  workspaceMount: 'The work tree is always the session’s own.',
  workspaceFolder: 'The work tree is always at the same place.',
  initializeCommand: 'Nothing runs outside the session.',
  features: 'Features are not installed. Name an image that has what is needed.',
  overrideFeatureInstallOrder: 'Features are not installed.',
  onCreateCommand: 'Only postCreateCommand is run.',
  updateContentCommand: 'Only postCreateCommand is run.',
  postStartCommand: 'Only postCreateCommand is run.',
  postAttachCommand: 'Only postCreateCommand is run.',
  remoteEnv: 'Only containerEnv is used.',
  appPort: 'Only forwardPorts is read.',
};
/** A place cannot be what these ask for. */
const impossible: Readonly<Record<string, string>> = {
  dockerComposeFile: 'A session is one container; compose files are not run.',
  build: 'No image is built of a Dockerfile here. Build it elsewhere, and name it as image.',
  dockerFile: 'No image is built of a Dockerfile here. Build it elsewhere, and name it as image.',
};
const silent = new Set([
  '$schema',
  'name',
  'image',
  'postCreateCommand',
  'containerEnv',
  'forwardPorts',
  'remoteUser',
  'containerUser',
]);

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
const isText = (value: unknown): value is string => typeof value === 'string';
const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** One command: text for the shell, or a program with its arguments. */
const lineOf = (command: unknown): string | null => {
  if (isText(command)) return command.trim() === '' ? null : command;
  if (Array.isArray(command) && command.length > 0 && command.every(isText)) return command.map(quoted).join(' ');
  return null;
};

/** Several commands run beside one another, and all must end well. */
const together = (commands: Fields): string | null => {
  const lines = Object.values(commands).map(lineOf);
  if (lines.length === 0 || lines.some((line) => line === null)) return null;
  const begun = lines.map((line) => `(\n${line}\n) & pids+=($!)`).join('\n');
  return `pids=()\n${begun}\ncode=0\nfor pid in "\${pids[@]}"; do wait "$pid" || code=$?; done\nexit "$code"`;
};

/** Collects what is said of the fields. */
const createReading = (fields: Fields) => {
  const ignored: DevContainerRemark[] = [];
  const refused: DevContainerRemark[] = [];
  const ignore = (name: string, why: string): void => void ignored.push({ name: name.slice(0, 200), why });
  const refuse = (name: string, why: string): void => void refused.push({ name, why });

  return {
    ignored,
    refused,
    ignore,
    refuse,

    image({ shown, refusalOf }: Pick<ImageRules, 'shown' | 'refusalOf'>): string | null {
      const image = fields['image'];
      if (image === undefined) return null;
      if (shown === null) ignore('image', 'Sessions are no containers here, so they have no image.');
      else if (!imageName.safeParse(image).success) refuse('image', 'This is not the name of an image.');
      else {
        const why = refusalOf(image as string);
        if (why === null) return (image as string).trim();
        refuse('image', why);
      }
      return null;
    },

    script(): string | null {
      const command = fields['postCreateCommand'];
      if (command === undefined || command === '') return null;
      const script = isObject(command) ? together(command) : lineOf(command);
      if (script !== null && setupScript.safeParse(script).success) return script;
      refuse('postCreateCommand', 'This is no command: it is text, a list of texts, or an object of these.');
      return null;
    },

    env(): Record<string, string> {
      const given = fields['containerEnv'];
      if (given === undefined) return {};
      if (!isObject(given)) {
        ignore('containerEnv', 'This is no object.');
        return {};
      }
      const env: Record<string, string> = {};
      for (const [name, value] of Object.entries(given)) {
        const problem = environmentName.safeParse(name).error?.issues[0]?.message;
        if (problem !== undefined) ignore(`containerEnv.${name}`, problem);
        else if (!isText(value)) ignore(`containerEnv.${name}`, 'Its value is no text.');
        else if (value.includes('${')) ignore(`containerEnv.${name}`, 'Values are not put together from others here.');
        else env[name] = value;
      }
      const whole = sessionEnvironment.safeParse(env);
      if (whole.success) return whole.data;
      ignore('containerEnv', whole.error.issues[0]?.message ?? 'This cannot be used.');
      return {};
    },

    ports(): number[] {
      const given = fields['forwardPorts'];
      if (given === undefined) return [];
      const ports = (Array.isArray(given) ? (given as unknown[]) : []).slice(0, maxPorts).map((port) => {
        const number =
          isText(port) && /^localhost:\d{1,5}$/.test(port) ? Number(port.slice('localhost:'.length)) : port;
        return typeof number === 'number' && Number.isInteger(number) && number >= 1 && number <= 65_535
          ? number
          : null;
      });
      if (!Array.isArray(given) || ports.includes(null))
        ignore('forwardPorts', 'What is no port of the session is left out.');
      return [...new Set(ports.filter((port) => port !== null))];
    },

    user(): void {
      for (const name of ['remoteUser', 'containerUser']) {
        const user = fields[name];
        if (user === undefined) continue;
        if (user === 'root' || user === '0' || user === 0) refuse(name, 'Nobody is root in a session.');
        else ignore(name, 'Programs run as the session’s own user.');
      }
    },

    others(): void {
      for (const name of Object.keys(fields)) {
        if (Object.hasOwn(impossible, name)) {
          if (fields['image'] === undefined || name === 'dockerComposeFile') refuse(name, impossible[name] ?? '');
          else ignore(name, impossible[name] ?? '');
        } else if (!silent.has(name))
          ignore(name, Object.hasOwn(unused, name) ? (unused[name] ?? '') : 'Nothing here uses it.');
      }
    },
  };
};

/** Null where it cannot be read. */
const parsedOf = (text: string): unknown => {
  const errors: ParseError[] = [];
  try {
    const parsed: unknown = parse(text, errors, { allowTrailingComma: true });
    return errors.length === 0 ? parsed : null;
  } catch {
    // The parser calls itself for each level, and there are too many of them.
    return null;
  }
};

/** What people are shown, and what is done where they agree. */
export const readDevContainer = (
  { path, text }: { path: string; text: string },
  images: Pick<ImageRules, 'shown' | 'refusalOf'>,
): DevContainer => {
  const hash = createHash('sha256').update(text).digest('hex');
  const parsed = parsedOf(text);
  const isReadable = isObject(parsed);
  const fields = isReadable ? parsed : {};
  const reading = createReading(fields);
  if (!isReadable) reading.refuse(path, 'This is not JSON with comments, or no object, or nested too deep.');
  const name = fields['name'];
  const found = {
    image: reading.image(images),
    script: reading.script(),
    env: reading.env(),
    forwardPorts: reading.ports(),
  };
  reading.user();
  reading.others();
  return {
    path,
    hash,
    name: isText(name) ? name.slice(0, 200) : null,
    ...found,
    ignored: reading.ignored.slice(0, maxRemarks),
    refused: reading.refused.slice(0, maxRemarks),
  };
};
