// Runs with whatever Node is there, so that it can say what is missing: no dependencies, no syntax newer than Node 12's.
// Installs what the lock file names, then hands over to the Node that the tree pins.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const programs = { start: 'infra/local/main.ts', test: 'test/run.ts', sluice: 'infra/cli/main.ts' };

function fail(message) {
  console.error(message);
  process.exit(1);
}

function readJson(path) {
  try {
    return JSON.parse(readFileSync(join(root, path), 'utf8'));
  } catch (_error) {
    return null;
  }
}

/** True when each package of the lock file is installed in its version. npm writes what it installed into a lock file of its own, at the end. */
function isInstalled() {
  const wanted = readJson('package-lock.json');
  const installed = readJson('node_modules/.package-lock.json');
  if (!wanted) fail('package-lock.json is missing or damaged: get it back with git checkout package-lock.json');
  if (!installed) return false;
  return Object.keys(wanted.packages).every((path) => {
    const entry = wanted.packages[path];
    const found = installed.packages[path];
    return path === '' || (found ? found.version === entry.version : Boolean(entry.optional));
  });
}

function install() {
  console.error('Installing the packages of package-lock.json');
  const npm = process.env.npm_execpath;
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];
  const options = { cwd: root, stdio: ['ignore', 2, 2] };
  // npm hands its own settings down by the environment; those of this run (`--omit`, `--loglevel`, …) are not meant for the installation.
  const result = npm && /\.c?js$/.test(npm) ? spawnSync(process.execPath, [npm].concat(args), options) : spawnSync('npm', args, options);
  if (result.signal) process.exit(1);
  if (result.error || result.status !== 0) {
    fail('npm could not install the packages: read its message above, check the network and the npm registry setting, then run the same command again.');
  }
}

/** The pinned Node; where its package could not be unpacked (install scripts switched off), this one if it is as new. */
function findNode(major) {
  const pinned = join(root, 'node_modules', '.bin', 'node');
  if (existsSync(pinned) && spawnSync(pinned, ['--version']).status === 0) return pinned;
  if (Number(process.versions.node.split('.')[0]) >= major) return process.execPath;
  return fail('The pinned Node is not installed because npm skipped install scripts: run npm ci --ignore-scripts=false, then the same command again.');
}

function run(node, program, args) {
  const env = Object.assign({}, process.env, { PATH: `${join(root, 'node_modules', '.bin')}:${process.env.PATH}` });
  const options = ['--disable-warning=ExperimentalWarning'];
  // The channel tells the child when this process is gone, however it went.
  const child = spawn(node, options.concat([join(root, program)], args), { cwd: process.cwd(), env: env, stdio: ['inherit', 'inherit', 'inherit', 'ipc'] });
  let stopping = false;
  const forward = (signal) => {
    stopping = true;
    child.kill(signal);
  };
  process.on('SIGINT', forward);
  process.on('SIGTERM', forward);
  process.on('SIGHUP', () => forward('SIGTERM'));
  process.on('disconnect', () => forward('SIGTERM'));
  // A shell between npm and us may die of a signal without passing it on.
  const parent = process.ppid;
  if (process.env.npm_lifecycle_event) {
    setInterval(() => {
      if (process.ppid !== parent && !stopping) forward('SIGTERM');
    }, 500).unref();
  }
  child.on('error', (error) => fail(`The pinned Node cannot be run: ${error.message}`));
  child.on('exit', (code, signal) => {
    if (signal) fail(`It was ended by ${signal}.`);
    process.exit(code);
  });
}

const major = Number(process.versions.node.split('.')[0]);
const program = programs[process.argv[2]];
if (major < 20) fail(`Sluice needs Node 20 or later to begin with; this is ${process.version}. Install a newer one from https://nodejs.org.`);
if (!program) fail(`Usage: node infra/local/bootstrap.mjs ${Object.keys(programs).join('|')} ARGUMENTS`);
if (process.platform === 'win32') fail('Sluice runs on Linux and macOS; on Windows, use it inside WSL.');
if (!isInstalled()) install();
run(findNode(24), program, process.argv.slice(3));
