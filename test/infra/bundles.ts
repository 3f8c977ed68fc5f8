import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AnyFunctionName, deploymentFunctions, functions } from '../../infra/topology.ts';

const file = join(mkdtempSync(join(tmpdir(), 'sluice-bundle-')), 'index.cjs');
writeFileSync(file, 'exports.handler = async () => {};');

/** A bundle for every function that does nothing: templates do not depend on what is in it. */
export const bundles = Object.fromEntries([...functions, ...deploymentFunctions].map(({ name }) => [name, file])) as Record<AnyFunctionName, string>;
