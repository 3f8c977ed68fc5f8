import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';

const text = (path: string) => readFile(new URL(`../../${path}`, import.meta.url), 'utf8');

test('docs/deploy.md lists each setting that the app reads, and no other', async () => {
  const app = await text('infra/cdk/app.ts');
  const read = new Set([...app.matchAll(/\b(?:setting|oneOf|list)\('([a-z-]+)'/g)].map(([, name]) => name));
  const page = (await text('docs/deploy.md')).split('## 3. Settings')[1]?.split('\n## ')[0] ?? '';
  const told = new Set([...page.matchAll(/^\| `([a-z-]+)` /gm)].map(([, name]) => name));
  expect([...told].sort()).toEqual([...read].sort());
});
