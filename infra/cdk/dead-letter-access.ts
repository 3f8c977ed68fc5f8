import { Stack } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Function as LambdaFn } from 'aws-cdk-lib/aws-lambda';
import type { AnyFunctionName } from '../topology.ts';
import { acknowledgeWildcard } from './acknowledge-wildcard.ts';

/** What lists and replays letters reads them; what runs tasks sends them, too, and deletes those that were replayed. */
const readers: readonly AnyFunctionName[] = ['rest-api', 'task'];
const senders: readonly AnyFunctionName[] = ['task', 'sink-events'];

/** Rights to the queues and buckets of dead letters that connectors may name. */
export function grantDeadLetters(
  grantee: LambdaFn,
  name: AnyFunctionName,
  { deadLetterQueues = [], deadLetterBuckets = [] }: { readonly deadLetterQueues?: readonly string[]; readonly deadLetterBuckets?: readonly string[] },
): void {
  const [reads, sends] = [readers.includes(name), senders.includes(name)];
  if (!reads && !sends) return;
  const { partition, region, account } = Stack.of(grantee);
  if (deadLetterQueues.length > 0) {
    const reading = ['sqs:ReceiveMessage', 'sqs:ChangeMessageVisibility'];
    const sending = ['sqs:SendMessage', ...(reads ? ['sqs:DeleteMessage'] : [])];
    const actions = ['sqs:GetQueueAttributes', ...(reads ? reading : []), ...(sends ? sending : [])];
    const resources = deadLetterQueues.map((queue) => `arn:${partition}:sqs:${region}:${account}:${queue}`);
    grantee.addToRolePolicy(new PolicyStatement({ actions, resources }));
  }
  if (deadLetterBuckets.length > 0) {
    const actions = [...(reads ? ['s3:GetObject'] : []), ...(sends ? ['s3:PutObject'] : [])];
    const resources = deadLetterBuckets.map((bucket) => `arn:${partition}:s3:::${bucket}/*`);
    grantee.addToRolePolicy(new PolicyStatement({ actions, resources }));
    for (const each of resources) acknowledgeWildcard(grantee, each, 'Each letter is an object of its own.');
  }
}
