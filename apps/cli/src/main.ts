#!/usr/bin/env node
// The command line. Each command has a file of its own; this one only lists them.

import { readFileSync } from 'node:fs';
import { Command } from 'commander';

import { doctor, type DoctorFlags } from './doctor.js';
import { adoptEngineHere, listKnownEngines, type EngineFlags } from './engine.js';
import { serve, type ServeOptions } from './serve.js';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

const program = new Command('remote-claude')
  .description('Claude Code as a self-hosted web product for a team')
  .version(version);

program
  .command('serve')
  .description('start the server')
  .option('--config <file>', 'configuration file (see config/remote-claude.yaml)')
  .option('--port <number>', 'port to listen on')
  .option('--host <address>', 'address to listen on')
  .option('--data-dir <folder>', 'folder for everything that is kept')
  .option('--roles <list>', 'roles to run, with commas')
  .action((options: ServeOptions) => serve(options, version));

program
  .command('doctor')
  .description('say what is wrong with a set-up, why it matters, and how to mend it')
  .option('--config <file>', 'configuration file, as for serve')
  .option('--data-dir <folder>', 'folder for everything that is kept, as for serve')
  .option('--roles <list>', 'roles to look at, with commas')
  .option('--url <address>', 'what people open, to look at it from outside')
  .option('--image <name>', 'an image that sessions shall be made of, to see whether they can be')
  .option('--json', 'one finding a line, for programs')
  .action((options: DoctorFlags) => doctor(options));

const engine = program.command('engine').description('where the disks of sessions are');
const withConfig = (command: Command): Command =>
  command
    .option('--config <file>', 'configuration file, as for serve')
    .option('--data-dir <folder>', 'folder for everything that is kept, as for serve; no server may use it meanwhile');

withConfig(engine.command('list'))
  .description('say which engines have disks of sessions, and which of them is here')
  .action((options: EngineFlags) => listKnownEngines(options, version));

withConfig(engine.command('adopt'))
  .description('move the sessions of an engine that is gone to the one that is here, where their disks were brought')
  .argument('[engine]', 'the one that is gone; not needed where only one is')
  .option('--restored', 'the database is a backup that was restored: move all sessions, and have open pages begin anew')
  .action((from: string | undefined, options: EngineFlags) => adoptEngineHere(from, options, version));

await program.parseAsync();
