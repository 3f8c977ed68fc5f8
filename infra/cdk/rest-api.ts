import { CfnOutput, Duration, Names, type RemovalPolicy, Validations } from 'aws-cdk-lib';
import { type CfnStage, HttpApi, HttpMethod, HttpNoneAuthorizer, type IHttpRouteAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpIamAuthorizer, HttpJwtAuthorizer, HttpLambdaAuthorizer, HttpLambdaResponseType } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { Function as LambdaFn } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';

/** Who may call the REST API. */
export type Authentication =
  /**
   * User and password, which every client of Kafka Connect can send (kcctl, Kafka UI, Terraform, curl -u). They are in a secret,
   * `{"username": …, "password": …}`; without one a user `connect` with a password is made.
   */
  | { readonly kind: 'basic'; readonly secret?: ISecret }
  /** Requests signed by whoever may `execute-api:Invoke`. */
  | { readonly kind: 'iam' }
  /** Tokens of an OpenID Connect issuer. */
  | { readonly kind: 'jwt'; readonly issuer: string; readonly audience: readonly string[] }
  /** Nobody is asked. Only for an API that something else protects. */
  | { readonly kind: 'none' };

export interface RestApiProps {
  readonly handler: LambdaFn;
  readonly authentication: Authentication;
  /** Made when it is asked for: only basic authentication needs it. */
  readonly authorizer: (secret: ISecret) => LambdaFn;
  /** Requests in a second, on average and at once. */
  readonly throttle: { readonly rateLimit: number; readonly burstLimit: number };
  readonly logRetention: RetentionDays;
  readonly encryptionKey: IKey | undefined;
  readonly removalPolicy: RemovalPolicy;
}

/** API Gateway's answers are cached for so long for each user and password. */
const authorizationTtl = Duration.minutes(1);

/** Kafka Connect's REST API behind API Gateway: never open unless somebody says so, throttled, with access logs. */
export class RestApi extends Construct {
  readonly api: HttpApi;
  readonly url: string;
  /** User and password of basic authentication. */
  readonly secret: ISecret | null;

  constructor(scope: Construct, id: string, props: RestApiProps) {
    super(scope, id);
    const { handler, authentication, throttle } = props;
    this.secret = authentication.kind === 'basic' ? (authentication.secret ?? this.#madeSecret(props)) : null;
    this.api = new HttpApi(this, 'Api', {
      apiName: Names.uniqueResourceName(this, { maxLength: 60, separator: '-' }),
      description: "Kafka Connect's REST API",
      defaultAuthorizer: this.#authorizer(props),
    });
    const integration = new HttpLambdaIntegration('Integration', handler);
    for (const path of ['/', '/{proxy+}']) this.api.addRoutes({ path, methods: [HttpMethod.ANY], integration });
    this.#logAndThrottle(props, throttle);
    this.url = this.api.apiEndpoint;
    new CfnOutput(this, 'Url', { value: this.url, description: 'REST API of the Connect cluster' });
    if (this.secret) new CfnOutput(this, 'Credentials', { value: this.secret.secretName, description: 'Secret with username and password of the REST API' });
  }

  #madeSecret({ encryptionKey, removalPolicy }: RestApiProps): ISecret {
    const secret = new Secret(this, 'Secret', {
      description: "User and password of the Connect cluster's REST API",
      generateSecretString: {
        secretStringTemplate: JSON.stringify({ username: 'connect' }),
        generateStringKey: 'password',
        passwordLength: 40,
        excludePunctuation: true,
      },
      removalPolicy,
      ...(encryptionKey ? { encryptionKey } : {}),
    });
    Validations.of(secret).acknowledge({
      id: 'AwsSolutions-SMG4',
      reason: 'Clients hold this password: who rotates it must tell them. The authorizer takes a new one within minutes.',
    });
    return secret;
  }

  #authorizer({ authentication, authorizer }: RestApiProps): IHttpRouteAuthorizer {
    switch (authentication.kind) {
      case 'iam':
        return new HttpIamAuthorizer();
      case 'none':
        return new HttpNoneAuthorizer();
      case 'jwt':
        return new HttpJwtAuthorizer('Jwt', authentication.issuer, { jwtAudience: [...authentication.audience] });
      case 'basic':
        return new HttpLambdaAuthorizer('Basic', authorizer(this.secret as ISecret), {
          responseTypes: [HttpLambdaResponseType.SIMPLE],
          identitySource: ['$request.header.Authorization'],
          resultsCacheTtl: authorizationTtl,
        });
    }
  }

  #logAndThrottle({ logRetention, encryptionKey, removalPolicy }: RestApiProps, { rateLimit, burstLimit }: RestApiProps['throttle']): void {
    const logGroup = new LogGroup(this, 'AccessLog', { retention: logRetention, removalPolicy, ...(encryptionKey ? { encryptionKey } : {}) });
    // The construct of the stage has no props for these.
    const stage = this.api.defaultStage?.node.defaultChild as CfnStage;
    stage.accessLogSettings = { destinationArn: logGroup.logGroupArn, format: JSON.stringify(accessLog) };
    stage.defaultRouteSettings = { throttlingRateLimit: rateLimit, throttlingBurstLimit: burstLimit, detailedMetricsEnabled: true };
  }
}

/** Who asked for what, and how it ended; never a header or a body. */
const accessLog = {
  time: '$context.requestTime',
  requestId: '$context.requestId',
  ip: '$context.identity.sourceIp',
  method: '$context.httpMethod',
  path: '$context.path',
  status: '$context.status',
  latencyMs: '$context.responseLatency',
  error: '$context.error.message',
  authorizer: '$context.authorizer.error',
};
