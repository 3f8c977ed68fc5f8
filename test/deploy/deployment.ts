import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { CloudFormationClient, GetTemplateCommand } from '@aws-sdk/client-cloudformation';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { Moto } from './moto.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));
const bin = join(root, 'node_modules', '.bin');

/** A resource of a template. */
export interface Resource {
  readonly Type: string;
  readonly Properties: Readonly<Record<string, unknown>>;
}

export type Resources = Readonly<Record<string, Resource>>;

/** The stack as the CDK's command line deploys it into Moto. */
export class Deployment {
  readonly stack = 'SluiceUnderTest';
  readonly #moto: Moto;
  readonly #folder: string;
  readonly #settings: Readonly<Record<string, string>>;

  /** `settings`: those of the app, by their names in the environment. */
  constructor(moto: Moto, folder: string, settings: Readonly<Record<string, string>>) {
    this.#moto = moto;
    this.#folder = folder;
    this.#settings = { ...settings, SLUICE_STACK: this.stack };
  }

  /** Runs the CDK's command line; resolves with what it printed. */
  async cdk(...args: string[]): Promise<string> {
    const env = { ...process.env, ...this.#moto.env, ...this.#settings, PATH: `${bin}:${process.env['PATH']}`, DYNAMODB_ENDPOINT: '', KAFKA_BROKERS: '' };
    const { stdout, stderr } = await run(join(bin, 'cdk'), [...args, '--output', join(this.#folder, 'cdk.out')], { cwd: root, env, maxBuffer: 32 << 20 });
    return stdout + stderr;
  }

  deploy(): Promise<string> {
    // Moto does not know a value that CloudFormation shall keep.
    return this.cdk('deploy', '--require-approval', 'never', '--no-previous-parameters');
  }

  /** What CloudFormation holds now. */
  async resources(): Promise<Resources> {
    const client = new CloudFormationClient(clientOptions(this.#moto));
    const { TemplateBody } = await client.send(new GetTemplateCommand({ StackName: this.stack }));
    return (JSON.parse(TemplateBody ?? '{}') as { Resources: Resources }).Resources;
  }

  /** The code of a function as it was uploaded, unpacked; the path of its main file. */
  async bundle(name: string, resources: Resources): Promise<string> {
    const found = Object.values(resources).find(
      ({ Type, Properties }) => Type === 'AWS::Lambda::Function' && String(Properties['FunctionName']).endsWith(`-${name}`),
    );
    const { S3Bucket, S3Key } = (found?.Properties['Code'] ?? {}) as { S3Bucket?: unknown; S3Key?: string };
    const bucket = typeof S3Bucket === 'string' ? S3Bucket : (S3Bucket as { 'Fn::Sub': string })['Fn::Sub'];
    const s3 = new S3Client({ ...clientOptions(this.#moto), forcePathStyle: true });
    const { Body } = await s3.send(
      new GetObjectCommand({ Bucket: bucket.replace('${AWS::AccountId}', '123456789012').replace('${AWS::Region}', 'us-east-1'), Key: S3Key }),
    );
    const folder = join(this.#folder, 'deployed', name);
    await mkdir(folder, { recursive: true });
    await writeFile(`${folder}.zip`, (await Body?.transformToByteArray()) ?? new Uint8Array());
    await run('python3', ['-m', 'zipfile', '-e', `${folder}.zip`, folder]);
    return join(folder, 'index.cjs');
  }
}

/** For a client of the SDK. */
export function clientOptions({ endpoint }: Moto) {
  return { endpoint, region: 'us-east-1', credentials: { accessKeyId: 'test', secretAccessKey: 'test' } };
}
