import { App, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { describe, expect, test } from 'vitest';
import { ConnectCluster } from '../../infra/cdk/connect-cluster.ts';
import { KafkaAccess } from '../../infra/cdk/kafka-access.ts';
import type { Authentication } from '../../infra/cdk/rest-api.ts';
import { type FunctionName, functions, table } from '../../infra/topology.ts';
import { tableSchema } from '../../shared/storage/dynamodb/table.ts';
import { bundles } from './bundles.ts';

function synthesized(): Template {
  const stack = new Stack(new App(), 'Sluice');
  new ConnectCluster(stack, 'ConnectCluster', { kafka: KafkaAccess.plaintext('broker:9092'), worker: { 'key.converter': 'x.Converter' }, bundles });
  return Template.fromStack(stack);
}

describe('the template of a cluster', () => {
  const template = synthesized();
  const functionNamed = (name: FunctionName) => {
    const [found] = Object.entries(template.findResources('AWS::Lambda::Function', { Properties: { FunctionName: Match.stringLikeRegexp(`-${name}$`) } }));
    if (found === undefined) throw new Error(`no function ${name}`);
    return { id: found[0], properties: found[1]['Properties'] as Record<string, unknown> };
  };
  /** Actions that the policy of a function allows, with what it allows them on. */
  const rightsOf = (name: FunctionName): Record<string, unknown> => {
    const role = (functionNamed(name).properties['Role'] as { 'Fn::GetAtt': [string] })['Fn::GetAtt'][0];
    const policies = Object.values(template.findResources('AWS::IAM::Policy', { Properties: { Roles: [{ Ref: role }] } }));
    const statements = policies.flatMap((policy) => policy['Properties'].PolicyDocument.Statement as { Action: string | string[]; Resource: unknown }[]);
    return Object.fromEntries(statements.flatMap(({ Action, Resource }) => [Action].flat().map((action) => [action, Resource])));
  };

  test('has the table that the storage works on', () => {
    expect(tableSchema).toEqual(table);
    template.hasResource('AWS::DynamoDB::Table', {
      Properties: {
        KeySchema: [
          { AttributeName: 'pk', KeyType: 'HASH' },
          { AttributeName: 'sk', KeyType: 'RANGE' },
        ],
        AttributeDefinitions: Match.arrayWith([
          { AttributeName: 'dueShard', AttributeType: 'S' },
          { AttributeName: 'dueAt', AttributeType: 'N' },
        ]),
        GlobalSecondaryIndexes: [
          {
            IndexName: 'due',
            KeySchema: [
              { AttributeName: 'dueShard', KeyType: 'HASH' },
              { AttributeName: 'dueAt', KeyType: 'RANGE' },
            ],
            Projection: { ProjectionType: 'ALL' },
          },
        ],
        BillingMode: 'PAY_PER_REQUEST',
        StreamSpecification: { StreamViewType: 'NEW_IMAGE' },
      },
      DeletionPolicy: 'Retain',
    });
  });

  test('has every function of the topology, on the newest Node, with its size, its variables and its rules for failed requests', () => {
    // And the authorizer; nobody asked for connectors.
    template.resourceCountIs('AWS::Lambda::Function', functions.length + 1);
    for (const { name, memoryMb, timeoutSeconds, asyncRetries, onFailure, access } of functions) {
      const { id, properties } = functionNamed(name);
      expect(properties).toMatchObject({ Runtime: 'nodejs24.x', Handler: 'index.handler', MemorySize: memoryMb, Timeout: timeoutSeconds });
      const { Variables } = properties['Environment'] as { Variables: Record<string, unknown> };
      expect(Variables).toMatchObject({
        SLUICE_TABLE: { Ref: expect.stringContaining('Table') },
        SLUICE_WORKER: JSON.stringify({
          'key.converter': 'x.Converter',
          'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
          'bootstrap.servers': 'broker:9092',
        }),
      });
      expect(Variables['SLUICE_TASK_FUNCTION']).toBe(access.includes('invoke-task') ? functionNamed('task').properties['FunctionName'] : undefined);
      expect('SLUICE_FAILURE_QUEUE_URL' in Variables).toBe(access.includes('send-failures'));
      expect(properties['RecursiveLoop']).toBe(access.includes('invoke-task') ? 'Allow' : undefined);
      template.hasResourceProperties('AWS::Lambda::EventInvokeConfig', {
        FunctionName: { Ref: id },
        MaximumRetryAttempts: asyncRetries,
        MaximumEventAgeInSeconds: 60,
        ...(onFailure === null
          ? {}
          : { DestinationConfig: { OnFailure: { Destination: { 'Fn::GetAtt': [Match.stringLikeRegexp('FailedInvocations'), 'Arn'] } } } }),
      });
    }
  });

  test('allows each function what it needs and nothing more', () => {
    const tableRights = ['ConditionCheckItem', 'DeleteItem', 'GetItem', 'PutItem', 'Query', 'UpdateItem'].map((action) => `dynamodb:${action}`);
    const scanRight = 'dynamodb:Scan';
    const streamRights = ['DescribeStream', 'GetRecords', 'GetShardIterator', 'ListStreams'].map((action) => `dynamodb:${action}`);
    const queueRights = ['ChangeMessageVisibility', 'DeleteMessage', 'GetQueueAttributes', 'GetQueueUrl', 'ReceiveMessage', 'SendMessage'].map(
      (action) => `sqs:${action}`,
    );
    const sendRights = ['GetQueueAttributes', 'GetQueueUrl', 'SendMessage'].map((action) => `sqs:${action}`);
    const logRights = ['logs:CreateLogStream', 'logs:PutLogEvents'];
    expect(Object.keys(rightsOf('rest-api')).sort()).toEqual([...tableRights, scanRight, ...logRights].sort());
    expect(Object.keys(rightsOf('controller')).sort()).toEqual(
      [...tableRights, scanRight, ...streamRights, 'lambda:InvokeFunction', ...queueRights, ...logRights].sort(),
    );
    expect(Object.keys(rightsOf('task')).sort()).toEqual([...tableRights, 'lambda:InvokeFunction', ...sendRights, ...logRights].sort());
    for (const name of ['controller', 'task'] as const) {
      expect(JSON.stringify(rightsOf(name)['lambda:InvokeFunction'])).toContain(`function:${functionNamed('task').properties['FunctionName']}`);
    }
    for (const { name } of functions)
      expect(Object.entries(rightsOf(name)).filter(([action, on]) => on === '*' && action !== 'dynamodb:ListStreams')).toEqual([]);
  });

  test('starts the controller each minute, on changes that ask for it, and on runs that failed', () => {
    const { id } = functionNamed('controller');
    template.hasResourceProperties('AWS::Events::Rule', {
      ScheduleExpression: 'rate(1 minute)',
      Targets: [Match.objectLike({ Arn: { 'Fn::GetAtt': [id, 'Arn'] }, Input: '{"kind":"tick"}' })],
    });
    template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
      FunctionName: { Ref: id },
      EventSourceArn: { 'Fn::GetAtt': [Match.stringLikeRegexp('Table'), 'StreamArn'] },
      BatchSize: 100,
      FilterCriteria: { Filters: [{ Pattern: '{"dynamodb":{"NewImage":{"wake":{"S":[{"exists":true}]}}}}' }] },
      StartingPosition: 'LATEST',
    });
    template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
      FunctionName: { Ref: id },
      EventSourceArn: { 'Fn::GetAtt': [Match.stringLikeRegexp('FailedInvocations'), 'Arn'] },
      BatchSize: 10,
    });
  });

  test('shows to people what the controller cannot deal with, and rings', () => {
    template.hasResourceProperties('AWS::SQS::Queue', {
      VisibilityTimeout: 360,
      RedrivePolicy: { deadLetterTargetArn: { 'Fn::GetAtt': [Match.stringLikeRegexp('Failures'), 'Arn'] }, maxReceiveCount: 5 },
    });
    template.hasResourceProperties('AWS::CloudWatch::Alarm', { MetricName: 'ApproximateNumberOfMessagesVisible', Threshold: 1 });
    template.hasResourceProperties('AWS::CloudWatch::Alarm', { MetricName: 'Errors', Namespace: 'AWS/Lambda' });
  });

  test('asks each call to the REST API for user and password, bounds them, and logs who asked', () => {
    const routes = Object.values(template.findResources('AWS::ApiGatewayV2::Route')).map(({ Properties }) => [
      Properties.RouteKey,
      Properties.AuthorizationType,
    ]);
    expect(routes.sort()).toEqual([
      ['ANY /', 'CUSTOM'],
      ['ANY /{proxy+}', 'CUSTOM'],
    ]);
    template.hasResourceProperties('AWS::ApiGatewayV2::Authorizer', {
      AuthorizerPayloadFormatVersion: '2.0',
      EnableSimpleResponses: true,
      IdentitySource: ['$request.header.Authorization'],
    });
    template.hasResourceProperties('AWS::SecretsManager::Secret', {
      GenerateSecretString: Match.objectLike({ SecretStringTemplate: '{"username":"connect"}', GenerateStringKey: 'password' }),
    });
    template.hasResourceProperties('AWS::ApiGatewayV2::Stage', {
      AccessLogSettings: { Format: Match.stringLikeRegexp('requestId'), DestinationArn: Match.anyValue() },
      DefaultRouteSettings: { ThrottlingRateLimit: 50, ThrottlingBurstLimit: 100 },
    });
    template.hasResourceProperties('AWS::ApiGatewayV2::Integration', { PayloadFormatVersion: '2.0' });
  });
});

test('worker properties that would leave the REST API open, or that are wrong, fail the synthesis', () => {
  const cluster = (worker: Record<string, string>, authentication?: Authentication) =>
    new ConnectCluster(new Stack(new App(), 'Sluice'), 'ConnectCluster', {
      kafka: KafkaAccess.plaintext('broker:9092'),
      worker,
      bundles,
      ...(authentication ? { authentication } : {}),
    });
  const extension = { 'rest.extension.classes': 'org.apache.kafka.connect.rest.basic.auth.extension.BasicAuthSecurityRestExtension' };
  expect(() => cluster(extension, { kind: 'none' })).toThrow(/with authentication none everybody may do everything/);
  expect(() => cluster(extension)).not.toThrow();
  expect(() => cluster({ 'response.http.headers.config': 'put A: b' })).toThrow("Invalid header config action: 'put'");
});
