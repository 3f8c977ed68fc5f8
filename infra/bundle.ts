import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';
import { type DeploymentFunctionName, deploymentFunctions, type FunctionName, functions } from './topology.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

export interface BundleOptions {
  /** Gets a folder for each function. */
  readonly outDir: string;
  readonly minify: boolean;
  /** Absolute paths of modules that export `plugins`, a list of plugin definitions. */
  readonly pluginModules?: readonly string[];
}

/** Bundles each function into one CommonJS file; returns their paths. Rejects with esbuild's messages when a module cannot be found or read. */
export function bundleFunctions(options: BundleOptions): Promise<Record<FunctionName, string>> {
  return bundle(
    functions.map(({ name }) => name),
    options,
  );
}

/** The same with the functions that a deployment in AWS adds. */
export function bundleDeployment(options: BundleOptions): Promise<Record<FunctionName | DeploymentFunctionName, string>> {
  return bundle(
    [...functions, ...deploymentFunctions].map(({ name }) => name),
    options,
  );
}

async function bundle<Name extends string>(names: readonly Name[], { outDir, minify, pluginModules = [] }: BundleOptions): Promise<Record<Name, string>> {
  await mkdir(outDir, { recursive: true });
  const paths = Object.fromEntries(names.map((name) => [name, join(outDir, name, 'index.cjs')])) as Record<Name, string>;
  await build({
    absWorkingDir: root,
    entryPoints: names.map((name) => ({ in: join(root, 'functions', name, 'index.ts'), out: join(name, 'index') })),
    outdir: resolve(outDir),
    outExtension: { '.js': '.cjs' },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node24',
    minify,
    // Stack traces go into the status of failed tasks: they should name things as the source does.
    keepNames: true,
    sourcemap: minify ? false : 'inline',
    external: ['pg-native'],
    alias: { 'sluice/connect': join(root, 'shared', 'connect', 'index.ts') },
    plugins: [externalPlugins(pluginModules)],
    logLevel: 'silent',
  });
  return paths;
}

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
