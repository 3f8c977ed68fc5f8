/**
 * Writes the files of `artifacts.json` anew from its roots: `node infra/local/pin-artifacts.ts`, after a version in it was
 * changed. Needs Maven. Everything else in the list is written by hand.
 */
import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Artifact, type ArtifactSet, readArtifactSets, sha256 } from './artifacts.ts';

async function resolve(set: ArtifactSet): Promise<Artifact[]> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-pin-'));
  try {
    const exclusions = set.without.map((entry) => {
      const [group, name = '*'] = entry.split(':');
      return `<exclusion><groupId>${group}</groupId><artifactId>${name}</artifactId></exclusion>`;
    });
    const dependencies = [...set.roots, ...Object.keys(set.natives)].map((root) => {
      const [group, name, version, type = 'jar'] = root.split(':');
      return `<dependency><groupId>${group}</groupId><artifactId>${name}</artifactId><version>${version}</version><type>${type}</type><exclusions>${exclusions.join('')}</exclusions></dependency>`;
    });
    await writeFile(
      join(folder, 'pom.xml'),
      `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>sluice</groupId><artifactId>pin</artifactId><version>1</version><dependencies>${dependencies.join('\n')}</dependencies></project>`,
    );
    const options = ['-q', '-B', '-f', join(folder, 'pom.xml'), 'dependency:copy-dependencies', '-DincludeScope=runtime'];
    execFileSync('mvn', [...options, '-Dmdep.useRepositoryLayout=true', `-DoutputDirectory=${join(folder, 'files')}`], { stdio: 'inherit' });
    const files: Artifact[] = [];
    for (const entry of await readdir(join(folder, 'files'), { recursive: true })) {
      const path = join(folder, 'files', entry);
      const { size, isFile } = await stat(path).then((found) => ({ size: found.size, isFile: found.isFile() }));
      if (!isFile || entry.endsWith('.pom')) continue;
      const parts = entry.split('/');
      const [name = '', version = '', file = ''] = parts.slice(-3);
      const extension = file.slice(`${name}-${version}.`.length);
      const artifact = [parts.slice(0, -3).join('.'), name, version, ...(extension === 'jar' ? [] : [extension])].join(':');
      const platform = set.natives[artifact];
      if (extension !== 'jar' && !platform) continue;
      files.push({ artifact, bytes: size, sha256: await sha256(path), ...(platform ? { platform } : {}) });
    }
    return files.sort((a, b) => a.artifact.localeCompare(b.artifact));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const sets = await readArtifactSets();
const pinned: Record<string, ArtifactSet> = {};
for (const [name, set] of Object.entries(sets)) pinned[name] = { ...set, files: await resolve(set) };
await writeFile(fileURLToPath(new URL('artifacts.json', import.meta.url)), `${JSON.stringify(pinned, null, 2)}\n`);
