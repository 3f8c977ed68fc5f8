import { Stack, Validations } from 'aws-cdk-lib';
import type { Function as LambdaFn } from 'aws-cdk-lib/aws-lambda';
import type { IConstruct } from 'constructs';

/** Says why a function's policy allows something on resources that only a wildcard can name (cdk-nag's rule IAM5 asks for it, for each resource). */
export function acknowledgeWildcard(grantee: LambdaFn, resource: string, reason: string): void {
  const id = `AwsSolutions-IAM5[Resource::${textOf(Stack.of(grantee).resolve(resource))}]`;
  Validations.of(grantee.role as IConstruct).acknowledge({ id, reason });
}

/** As cdk-nag writes values that are known at deployment only: `<AWS::Region>`. */
function textOf(resolved: unknown): string {
  if (typeof resolved === 'string') return resolved;
  const { 'Fn::Join': join, Ref: reference } = resolved as { 'Fn::Join'?: [string, unknown[]]; Ref?: string };
  if (join !== undefined) return join[1].map(textOf).join(join[0]);
  return reference === undefined ? JSON.stringify(resolved) : `<${reference}>`;
}
