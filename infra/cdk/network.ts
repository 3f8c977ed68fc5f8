import { GatewayVpcEndpointAwsService, InterfaceVpcEndpointAwsService, type ISecurityGroup, type IVpc, type SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import type { Construct } from 'constructs';

export interface NetworkProps {
  readonly vpc: IVpc;
  /** Default: private subnets with a way out, or isolated ones where there are none. */
  readonly subnets?: SubnetSelection;
  readonly securityGroups?: readonly ISecurityGroup[];
  /**
   * Endpoints for the services that the functions call (Lambda, SQS, DynamoDB, Secrets Manager, Systems Manager, STS). Functions in a VPC reach them
   * only through endpoints, or through NAT. Default: false, for a VPC that has either.
   */
  readonly createEndpoints?: boolean;
}

/** What functions without NAT need, so that they reach the rest of AWS. */
export function addEndpoints(scope: Construct, { vpc, subnets }: NetworkProps): void {
  const { LAMBDA, SQS, SECRETS_MANAGER, SSM, STS } = InterfaceVpcEndpointAwsService;
  for (const [id, service] of Object.entries({ Lambda: LAMBDA, Sqs: SQS, SecretsManager: SECRETS_MANAGER, Ssm: SSM, Sts: STS }))
    vpc.addInterfaceEndpoint(`${scope.node.id}${id}Endpoint`, { service, ...(subnets ? { subnets } : {}) });
  vpc.addGatewayEndpoint(`${scope.node.id}DynamoDbEndpoint`, { service: GatewayVpcEndpointAwsService.DYNAMODB });
}
