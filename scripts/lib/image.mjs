// Builds the images of deploy/docker with the local docker: `npm run image`, or `npm run image -- session` for one of
// them. What follows goes to `docker build`: `npm run image -- session --build-arg BASE_IMAGE=ubuntu:22.04`. It does not
// know what is in them; the server's is built from this folder's sources, in the image itself.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { childEnv, engineVariables } from './child-env.mjs';
import { plainError, root, run } from './run.mjs';

const images = {
  session: { file: 'deploy/docker/session.Dockerfile', context: 'deploy/docker' },
  server: { file: 'deploy/docker/server.Dockerfile', context: '.' },
};
const names = Object.keys(images);

/** Which images are wanted, and what `docker build` is told besides. */
export function imageArguments(args) {
  const firstOther = args.findIndex((arg) => !names.includes(arg));
  const end = firstOther === -1 ? args.length : firstOther;
  if (end < args.length && !args[end].startsWith('-'))
    throw plainError(
      `There is no image ${args[end]}; there are: ${names.join(', ')}. Flags of "docker build" may follow.`,
    );
  return { wanted: end === 0 ? names : [...new Set(args.slice(0, end))], rest: args.slice(end) };
}

const env = () => childEnv(engineVariables());

async function checkEngine() {
  const { code, output } = await run('docker', ['version', '--format', '{{.Server.Version}}'], {
    env: env(),
    capture: true,
  });
  if (code === 127)
    throw plainError(
      'docker is not installed: the images are built with it. On Debian: "sudo apt-get install docker.io".',
    );
  if (code !== 0) throw plainError(`docker cannot reach its engine: ${output.trim().split('\n').at(-1)}`);
}

export async function main(args) {
  const { wanted, rest } = imageArguments(args);
  await checkEngine();
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  for (const name of wanted) {
    const { file, context } = images[name];
    const image = `remote-claude/${name}`;
    console.log(`building ${image}`);
    const tags = ['--tag', `${image}:${version}`, '--tag', `${image}:latest`];
    const { code } = await run('docker', ['build', '--file', file, ...tags, ...rest, context], { env: env() });
    if (code !== 0) throw plainError(`${image} could not be built: the lines above say why.`);
  }
  return 0;
}
