import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { build } from 'esbuild';
import { bundleDeployment } from './bundle.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/** What may be imported from the package, and the source of each. Node does not run TypeScript below `node_modules`. */
const entries = { connect: 'shared/connect/index.ts', cdk: 'infra/cdk/index.ts', bundle: 'infra/bundle.ts' } as const;
/** What a bundle with plugins of one's own is made of: `sluice/bundle` reads it. */
const sources = ['functions', 'shared', 'infra/topology.ts', 'README.md', 'LICENSE', 'CHANGELOG.md', 'docs'];
/** An app has these itself: two copies of the CDK do not know each other's constructs. */
const peers = ['aws-cdk-lib', 'constructs'];

/**
 * Makes the package that other CDK apps install, as a folder: modules, their types, the functions as they are deployed, and
 * the sources that bundles with plugins are made from. Rejects with the messages of esbuild or tsc.
 */
export async function makePackage(outDir: string): Promise<void> {
  const out = resolve(outDir);
  await rm(out, { recursive: true, force: true });
  await mkdir(out, { recursive: true });
  await Promise.all([
    modules(out),
    types(out),
    bundleDeployment({ outDir: join(out, 'dist', 'functions'), minify: true }),
    ...sources.map((source) => cp(join(root, source), join(out, source), { recursive: true })),
  ]);
  await writeFile(join(out, 'package.json'), `${JSON.stringify(await manifest(), null, 2)}\n`);
}

/** One file each, one level below the package as their sources are: what they find, they find relative to themselves. */
async function modules(out: string): Promise<void> {
  await build({
    absWorkingDir: root,
    entryPoints: entries,
    outdir: join(out, 'dist'),
    bundle: true,
    packages: 'external',
    splitting: true,
    chunkNames: 'chunk-[hash]',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    keepNames: true,
    logLevel: 'silent',
  });
}

async function types(out: string): Promise<void> {
  const options = [
    '--noEmit',
    'false',
    '--declaration',
    '--emitDeclarationOnly',
    '--outDir',
    join(out, 'dist', 'types'),
    '--rootDir',
    root,
    '--typeRoots',
    join(root, 'node_modules', '@types'),
  ];
  const config = join(out, 'tsconfig.json');
  const include = Object.values(entries).map((entry) => join(root, entry));
  await writeFile(config, JSON.stringify({ extends: join(root, 'tsconfig.json'), include: [], files: include }));
  try {
    await promisify(execFile)(join(root, 'node_modules', '.bin', 'tsc'), ['-p', config, ...options], { cwd: root });
  } catch (error) {
    throw new Error(`Types cannot be made: ${(error as { stdout?: string }).stdout ?? String(error)}`, { cause: error });
  } finally {
    await rm(config);
  }
}

async function manifest(): Promise<object> {
  const own = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as Record<string, unknown> & {
    dependencies: Record<string, string>;
    devDependencies: Record<string, string>;
  };
  const { name, version, description, license, dependencies, devDependencies } = own;
  const isPeer = (dependency: string) => peers.includes(dependency);
  const exported = Object.entries(entries).map(([entry, source]) => {
    const types = `./dist/types/${source.replace(/\.ts$/, '.d.ts')}`;
    return [`./${entry}`, { types, default: `./dist/${entry}.js` }];
  });
  return {
    name,
    version,
    description,
    license,
    type: 'module',
    engines: { node: '>=20' },
    exports: Object.fromEntries(exported),
    dependencies: Object.fromEntries(Object.entries(dependencies).filter(([dependency]) => !isPeer(dependency))),
    peerDependencies: { ...Object.fromEntries(peers.map((peer) => [peer, `^${dependencies[peer]}`])), esbuild: `^${devDependencies['esbuild']}` },
    peerDependenciesMeta: { esbuild: { optional: true } },
  };
}

if (import.meta.main) {
  const { positionals } = parseArgs({ allowPositionals: true });
  const outDir = positionals[0] ?? join(root, 'dist', 'package');
  await makePackage(outDir);
  console.log(`The package is in ${outDir}; npm pack ${outDir} makes a file of it`);
}
