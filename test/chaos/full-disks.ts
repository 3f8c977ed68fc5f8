import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rename, rm, rmdir, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const pageBytes = 4_096;
const pages = 1_024;

/** A disk without room but for some lines. */
export interface FullDisk {
  /** For the name of a test. */
  readonly what: string;
  /** @param folder is made */
  fill(folder: string): Promise<{
    /** Of a file on it. */
    readonly path: string;
    makeRoom(): Promise<void>;
    remove(): Promise<void>;
  }>;
}

/** The device that is always full, and, where this user may mount one, a small disk in memory: what is written there fits by half. */
export async function fullDisks(): Promise<readonly FullDisk[]> {
  return (await mayMount()) ? [device, smallDisk] : [device];
}

const device: FullDisk = {
  what: 'a device',
  async fill(folder) {
    await mkdir(folder);
    const [path, room] = [join(folder, 'lines.txt'), join(folder, 'room.txt')];
    await symlink('/dev/full', path);
    return {
      path,
      async makeRoom() {
        await writeFile(room, '');
        await symlink(room, `${path}.new`);
        await rename(`${path}.new`, path);
      },
      remove: () => rm(folder, { recursive: true }),
    };
  },
};

const smallDisk: FullDisk = {
  what: 'a small disk',
  async fill(folder) {
    await mkdir(folder);
    await mount(folder);
    const other = join(folder, 'other');
    // One page is left.
    await writeFile(other, Buffer.alloc((pages - 1) * pageBytes));
    return {
      path: join(folder, 'lines.txt'),
      makeRoom: () => rm(other),
      async remove() {
        // The run that writes there may be under way.
        await run('umount', ['-l', folder]);
        await rmdir(folder);
      },
    };
  },
};

const mount = (folder: string) => run('mount', ['-t', 'tmpfs', '-o', `size=${pages * pageBytes}`, 'none', folder]);

async function mayMount(): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-disk-'));
  try {
    await mount(folder);
    await run('umount', [folder]);
    return true;
  } catch {
    return false;
  } finally {
    await rmdir(folder);
  }
}
