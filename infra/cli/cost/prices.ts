/**
 * List prices of us-east-1 in dollars, without free tiers and discounts, as AWS's pricing pages had them in 2025
 * (aws.amazon.com/…/pricing of Lambda, DynamoDB, CloudWatch, SQS, API Gateway, Secrets Manager, MSK, EC2). `--prices FILE` replaces any.
 */
export const listPrices = {
  lambdaGbSecond: 0.0000133334,
  lambdaRequest: 0.2e-6,
  dynamodbWriteUnit: 0.625e-6,
  dynamodbReadUnit: 0.125e-6,
  cloudwatchMetricMonth: 0.3,
  cloudwatchAlarmMonth: 0.1,
  cloudwatchLogGb: 0.5,
  sqsRequest: 0.4e-6,
  apiGatewayRequest: 1e-6,
  secretMonth: 0.4,
  /** MSK Connect: a unit is one vCPU with 4 GB. */
  mskConnectUnitHour: 0.11,
  /** EC2 m7g.large, two vCPU, on demand. */
  workerHour: 0.0816,
} as const;

export type Prices = Readonly<Record<keyof typeof listPrices, number>>;
