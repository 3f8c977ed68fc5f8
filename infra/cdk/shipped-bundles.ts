import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type AnyFunctionName, deploymentFunctions, functions } from '../topology.ts';

/** The functions' files that the package brings, beside this module. Throws Error in a checkout, where they are made. */
export function shippedBundles(): Record<AnyFunctionName, string> {
  const folder = fileURLToPath(new URL('functions', import.meta.url));
  const names = [...functions, ...deploymentFunctions].map(({ name }) => name);
  const files = names.map((name) => [name, join(folder, name, 'index.cjs')] as const);
  if (!files.every(([, file]) => existsSync(file)))
    throw new Error(
      'ConnectCluster needs bundles: await bundleDeployment({ outDir, minify: true }) makes them; the package that npm run package makes brings its own',
    );
  return Object.fromEntries(files) as Record<AnyFunctionName, string>;
}
