import { chmod, chown, mkdtemp, readFile, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { generate } from 'selfsigned';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePorts } from '../../infra/local/ports.ts';
import { findPostgres, startPostgres } from '../../infra/local/services/postgres.ts';
import { removeFolder, type ServiceProcess } from '../../infra/local/services/service-process.ts';
import { isUnavailable } from '../../shared/connect/index.ts';
import { failureOf, sinkRecord, testSink } from '../connectors/jdbc/test-sink.ts';
import { databaseUrl } from './servers.ts';

const programs = await findPostgres();
const secret = 'hunter2 &?=/';
const ada = { id: 1n, name: 'Ada' };

describe.skipIf(databaseUrl() === null || programs === null)('connections to a PostgreSQL that asks for passwords (needs its programs)', () => {
  let folder: string;
  let service: ServiceProcess;
  let port: number;
  let admin: pg.Client;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-postgres-'));
    await chmod(folder, 0o755);
    ({ postgres: port } = await freePorts(['postgres'] as const));
    const dataDir = join(folder, 'postgres');
    const started = await startPostgres({ bin: programs as string, dataDir, logFile: join(folder, 'postgres.log'), port });
    service = started.service;
    admin = new pg.Client({ connectionString: started.url });
    await admin.connect();
    await admin.query(`CREATE ROLE writer LOGIN SUPERUSER PASSWORD '${secret}'; CREATE ROLE encrypted LOGIN SUPERUSER PASSWORD '${secret}'`);
    const { uid, gid } = await stat(join(dataDir, 'data'));
    const write = async (name: string, text: string) => {
      const file = join(dataDir, 'data', name);
      await writeFile(file, text, { mode: 0o600 });
      await chown(file, uid, gid);
    };
    const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }], {
      extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] }],
    });
    await write('server.crt', cert);
    await write('server.key', key);
    await writeFile(join(folder, 'ca.crt'), cert);
    const rules = await readFile(join(dataDir, 'data', 'pg_hba.conf'), 'utf8');
    await write('pg_hba.conf', `hostssl all encrypted all scram-sha-256\nhost all encrypted all reject\nhost all writer all scram-sha-256\n${rules}`);
    await admin.query('ALTER SYSTEM SET ssl = on');
    await admin.query('SELECT pg_reload_conf()');
  });
  afterAll(async () => {
    await admin.end();
    await service.stop();
    await removeFolder(folder);
  });

  /** The outcome of one put: null when it succeeded. */
  async function put(config: Record<string, string>, address = `localhost:${port}/postgres`) {
    const sink = await testSink({ 'connection.url': `jdbc:postgresql://${address}`, 'connection.user': 'writer', 'connection.password': secret, ...config });
    let outcome: Error | null = null;
    try {
      await sink.task.put([sinkRecord({ value: ada })]);
    } catch (error) {
      outcome = error as Error;
    }
    const ssl = await admin.query({
      text: "SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'sluice'",
      rowMode: 'array',
    });
    await sink.task.stop();
    return { outcome, encrypted: ssl.rows.flat() };
  }

  test('user and password come from their keys, or from the URL', async () => {
    expect((await put({})).outcome).toBeNull();
    const query = new URLSearchParams({ user: 'writer', password: secret }).toString().replaceAll('+', '%20');
    expect((await put({ 'connection.user': 'nobody', 'connection.password': 'x' }, `localhost:${port}/postgres?${query}`)).outcome).toBeNull();
  });

  test.each([
    ['a wrong password', { 'connection.password': 'wrong-secret' }, /password authentication failed for user "writer" \(SQLSTATE 28P01\)/],
    ['an unknown user', { 'connection.user': 'stranger' }, /role "stranger" does not exist \(SQLSTATE 28000\)/],
  ])('%s is waited for, and is not in the message', async (_, config, message) => {
    const failure = (await put(config)).outcome as Error;
    expect(isUnavailable(failure)).toBe(true);
    expect(failure.message).toMatch(message);
    expect(failure.message).toMatch(new RegExp(`^Could not connect to localhost:${port}: `));
    expect(failure.message).not.toMatch(/wrong-secret|hunter2/);
  });

  test('no password fails the task at once, where one is asked for', async () => {
    const failure = (await put({ 'connection.password': '' })).outcome as Error;
    expect(failure.name).toBe('ConnectException');
    expect(failure.message).toMatch(/\(connection.password is empty\)/);
  });

  test('an unknown database fails the task at once', async () => {
    const { outcome } = await put({}, `localhost:${port}/nope`);
    expect(outcome).toMatchObject({
      name: 'ConnectException',
      message: `Could not connect to localhost:${port}: database "nope" does not exist (SQLSTATE 3D000). See connection.user, connection.password and connection.url`,
    });
  });

  test('a server that is not there is tried as often as connection.attempts says, and then waited for', async () => {
    const { unused } = await freePorts(['unused'] as const);
    const { task, timeouts } = await testSink({
      'connection.url': `jdbc:postgresql://127.0.0.1:${unused}/postgres`,
      'connection.attempts': '2',
      'connection.backoff.ms': '10',
    });
    const failure = await failureOf(task.put([sinkRecord({ value: ada })]));
    expect(isUnavailable(failure)).toBe(true);
    expect(failure.message).toBe(`Could not connect to 127.0.0.1:${unused}: connect ECONNREFUSED 127.0.0.1:${unused}`);
    expect(timeouts).toEqual([]);
  });

  test('the first host that answers is taken', async () => {
    const { unused } = await freePorts(['unused'] as const);
    expect((await put({}, `127.0.0.1:${unused},localhost:${port}/postgres`)).outcome).toBeNull();
  });

  test('connections are encrypted where the server can, unless sslmode says otherwise', async () => {
    expect(await put({})).toEqual({ outcome: null, encrypted: [true] });
    expect(await put({}, `localhost:${port}/postgres?sslmode=disable`)).toEqual({ outcome: null, encrypted: [false] });
    expect(await put({}, `localhost:${port}/postgres?sslmode=allow`)).toEqual({ outcome: null, encrypted: [false] });
    expect(await put({ 'connection.user': 'encrypted' }, `localhost:${port}/postgres?sslmode=allow`)).toEqual({ outcome: null, encrypted: [true] });
  });

  test('ssl=true checks the certificate and the name in it', async () => {
    const unknown = await put({}, `localhost:${port}/postgres?ssl=true`);
    expect(unknown.outcome?.message).toMatch(/self-signed certificate/);
    const query = `sslrootcert=${encodeURIComponent(join(folder, 'ca.crt'))}`;
    expect(await put({}, `localhost:${port}/postgres?ssl=true&${query}`)).toEqual({ outcome: null, encrypted: [true] });
    expect((await put({}, `127.0.0.1:${port}/postgres?sslmode=verify-full&${query}`)).outcome?.message).toMatch(/does not match certificate/);
    expect(await put({}, `127.0.0.1:${port}/postgres?sslmode=verify-ca&${query}`)).toEqual({ outcome: null, encrypted: [true] });
  });

  test('a certificate that cannot be read fails the task', async () => {
    const { outcome } = await put({}, `localhost:${port}/postgres?ssl=true&sslrootcert=%2Fnowhere.crt`);
    expect(outcome).toMatchObject({ name: 'ConfigException', message: 'The file that sslrootcert in connection.url names cannot be read: ENOENT' });
  });
});
