import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, build, type Metafile, type Plugin } from 'esbuild';
import { type AnyFunctionName, deploymentFunctions, type FunctionName, functions } from './topology.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * Packages that only some runs need. Each is a file of its own beside the function, `node_modules/NAME/index.js`, loaded on first
 * use. Everything else, and all of our own modules, are in the function's one file (a class that was in two would be two classes).
 */
export const drivers: readonly string[] = [
  'pg',
  'avsc',
  'protobufjs',
  'cron-parser',
  '@platformatic/wasm-utils/bundled',
  'aws-msk-iam-sasl-signer-js',
  '@aws-sdk/client-secrets-manager',
  '@aws-sdk/client-ssm',
  '@aws-sdk/client-glue',
  '@aws-sdk/client-s3',
  // Runs start without them: one is for starting the next run, one for telling failures.
  '@aws-sdk/client-lambda',
  '@aws-sdk/client-sqs',
  // Where credentials come from on a machine of one's own; on Lambda they are in the environment.
  '@aws-sdk/credential-provider-http',
  '@aws-sdk/credential-provider-ini',
  '@aws-sdk/credential-provider-process',
  '@aws-sdk/credential-provider-sso',
  '@aws-sdk/credential-provider-web-identity',
  '@smithy/credential-provider-imds',
];

export interface BundleOptions {
  /** Gets a folder for each function. */
  readonly outDir: string;
  readonly minify: boolean;
  /** Absolute paths of modules that export `plugins`, a list of plugin definitions. */
  readonly pluginModules?: readonly string[];
}

/**
 * Bundles each function into one CommonJS file, with the drivers that it may need in a folder beside it; returns the paths of the
 * files. The folder is what is deployed. Rejects with esbuild's messages when a module cannot be found or read.
 */
export function bundleFunctions(options: BundleOptions): Promise<Record<FunctionName, string>> {
  return bundle(
    functions.map(({ name }) => name),
    options,
  );
}

/** The same with the functions that a deployment in AWS adds. */
export function bundleDeployment(options: BundleOptions): Promise<Record<AnyFunctionName, string>> {
  return bundle(
    [...functions, ...deploymentFunctions].map(({ name }) => name),
    options,
  );
}

async function bundle<Name extends string>(names: readonly Name[], { outDir, minify, pluginModules = [] }: BundleOptions): Promise<Record<Name, string>> {
  await mkdir(outDir, { recursive: true });
  const paths = Object.fromEntries(names.map((name) => [name, join(outDir, name, 'index.cjs')])) as Record<Name, string>;
  const options = {
    absWorkingDir: root,
    outdir: resolve(outDir),
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node24',
    // Of ES modules, which the AWS SDK has too, what is not used can be left out.
    mainFields: ['module', 'main'],
    // A driver is loaded by require: the loader of ES modules would be started for it alone.
    supported: { 'dynamic-import': false },
    minify,
    // Stack traces go into the status of failed tasks: they should name things as the source does.
    keepNames: true,
    sourcemap: minify ? false : 'inline',
    external: ['pg-native'],
    logLevel: 'silent',
    metafile: true,
  } as const satisfies BuildOptions;
  const { metafile } = await build({
    ...options,
    outExtension: { '.js': '.cjs' },
    entryPoints: names.map((name) => ({ in: join(root, 'functions', name, 'index.ts'), out: join(name, 'index') })),
    alias: { 'sluice/connect': join(root, 'shared', 'connect', 'index.ts') },
    plugins: [externalPlugins(pluginModules), driversApart],
  });
  const needed = new Map(names.map((name) => [name, importedDrivers(metafile, `${name}/index.cjs`)]));
  await Promise.all([...needed].map(([name, some]) => bundleDrivers({ ...options, outdir: join(options.outdir, name) }, some)));
  return paths;
}

/** Puts drivers beside a function, and those that they need themselves. */
async function bundleDrivers(options: BuildOptions & { metafile: true }, names: ReadonlySet<string>, made: ReadonlySet<string> = new Set()): Promise<void> {
  const missing = [...names].filter((name) => !made.has(name));
  if (missing.length === 0) return;
  const entryPoints = missing.map((name) => ({ in: name, out: join('node_modules', name, 'index') }));
  const { metafile } = await build({ ...options, sourcemap: false, entryPoints, plugins: [driversApart] });
  const next = Object.keys(metafile.outputs).flatMap((output) => [...importedDrivers(metafile, output)]);
  await bundleDrivers(options, new Set(next), new Set([...made, ...missing]));
}

function importedDrivers({ outputs }: Metafile, file: string): ReadonlySet<string> {
  const output = Object.entries(outputs).find(([path]) => path.endsWith(file))?.[1];
  return new Set((output?.imports ?? []).map(({ path }) => path).filter((path) => drivers.includes(path)));
}

/** Leaves drivers out where they are asked for. Somebody's plugin may bring another copy of one, which is part of the plugin then. */
const driversApart: Plugin = {
  name: 'drivers-apart',
  setup({ onResolve, resolve: find }) {
    onResolve({ filter: new RegExp(`^(?:${drivers.join('|')})$`) }, async ({ path, kind, resolveDir, pluginData }) => {
      if (kind === 'entry-point' || pluginData === asIs) return null;
      const [wanted, ours] = await Promise.all([resolveDir, root].map((from) => find(path, { kind, resolveDir: from, pluginData: asIs })));
      return wanted?.path === ours?.path && wanted?.errors.length === 0 ? { path, external: true } : null;
    });
  },
};
/** Marks the questions of `driversApart` itself. */
const asIs = Symbol('asIs');

/** Replaces the empty list of `shared/external-plugins.ts` by the plugins that the modules export. */
function externalPlugins(modules: readonly string[]): Plugin {
  return {
    name: 'external-plugins',
    setup({ onLoad }) {
      if (modules.length === 0) return;
      onLoad({ filter: /[\\/]shared[\\/]external-plugins\.ts$/ }, () => {
        const imports = modules.map((path, at) => `import { plugins as plugins${at} } from ${JSON.stringify(path)};`);
        const list = modules.map((_, at) => `...plugins${at}`).join(', ');
        return { contents: `${imports.join('\n')}\nexport const externalPlugins = [${list}];\n`, loader: 'ts', resolveDir: process.cwd() };
      });
    },
  };
}
