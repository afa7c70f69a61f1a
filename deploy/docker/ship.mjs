#!/usr/bin/env node
// `ship.mjs FOLDER`: copies of the built workspaces what the images hold: of each that is started, or that one of those
// depends on, its manifest, its built code and what that reads. No sources, no tests, no types.
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** What the images start. */
const STARTED = ['@leastwise/aggregator', '@leastwise/auditor', '@leastwise/cli', '@leastwise/publisher'];
/** What a workspace may ship beside its manifest. */
const SHIPPED = ['dist', 'bin', 'lua'];
/** Ports ship the tests that their adapters run: for developers. */
const FOR_TESTS = /[/\\](?:testing|conformance)(?:[/\\]|\.js$)/;

const read = (file) => JSON.parse(readFileSync(file, 'utf8'));

/** Of a pattern of npm: a folder, or all that are directly in one. */
function foldersOf(root, pattern) {
  const parent = /^([^*]+)\/\*$/.exec(pattern)?.[1];
  if (parent === undefined) return [pattern];
  return readdirSync(join(root, parent)).map((name) => join(parent, name));
}

/** By name, every workspace of the project with its folder. */
export function workspacesOf(root) {
  const found = read(join(root, 'package.json'))
    .workspaces.flatMap((pattern) => foldersOf(root, pattern))
    .filter((folder) => existsSync(join(root, folder, 'package.json')));
  return new Map(
    found.map((folder) => {
      const manifest = read(join(root, folder, 'package.json'));
      return [manifest.name, { folder, dependencies: Object.keys(manifest.dependencies ?? {}) }];
    }),
  );
}

/** The folders of what is started and of all of ours that it depends on, sorted. */
export function shippedFolders(root) {
  const workspaces = workspacesOf(root);
  const reached = new Set();
  const reach = (name) => {
    const workspace = workspaces.get(name);
    if (workspace === undefined || reached.has(name)) return;
    reached.add(name);
    workspace.dependencies.forEach(reach);
  };
  STARTED.forEach(reach);
  return [...reached].map((name) => workspaces.get(name).folder).sort();
}

/** Copies a file, or a folder with what of it is for the images. */
function copy(from, to) {
  if (FOR_TESTS.test(from) || /\.(?:map|d\.ts)$/.test(from)) return;
  if (!statSync(from).isDirectory()) {
    mkdirSync(dirname(to), { recursive: true });
    copyFileSync(from, to);
    return;
  }
  for (const name of readdirSync(from)) copy(join(from, name), join(to, name));
}

function ship(root, to) {
  copy(join(root, 'package.json'), join(to, 'package.json'));
  for (const folder of shippedFolders(root)) {
    for (const name of ['package.json', ...SHIPPED]) {
      const path = join(folder, name);
      if (existsSync(join(root, path))) copy(join(root, path), join(to, path));
    }
  }
}

const [, script, to] = process.argv;
if (script?.endsWith('ship.mjs')) {
  if (to === undefined) throw new Error('usage: ship.mjs FOLDER');
  ship(join(dirname(script), '../..'), to);
}
