import { afterEach, describe, expect, it, vi } from 'vitest';
import { saslSettings, type TokenLogin } from '../../../shared/kafka/security/sasl-options.ts';

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
});

function tokensOf(config: Record<string, string> = {}, servers = ['b-1.mine.abc.c2.kafka.eu-central-1.amazonaws.com:9098']) {
  const all = { 'sasl.mechanism': 'AWS_MSK_IAM', 'sasl.jaas.config': 'software.amazon.msk.auth.iam.IAMLoginModule required;', ...config };
  return saslSettings(all, servers) as TokenLogin;
}

function atFixedTime() {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2026, 0, 2, 3, 4, 5) });
  // AWS's own example credentials.
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY');
  vi.stubEnv('AWS_SESSION_TOKEN', 'session/token+==');
  vi.stubEnv('AWS_PROFILE', undefined);
}

const signedUrl = (value: string) => new URL(Buffer.from(value, 'base64url').toString());

describe('AWS_MSK_IAM', () => {
  it('signs as botocore does, for the region of the brokers', async () => {
    atFixedTime();
    const login = tokensOf();
    expect(login.mechanism).toBe('OAUTHBEARER');
    const { value, issuedAt, expiresAt } = await login.tokens();
    expect([issuedAt, expiresAt]).toEqual([Date.UTC(2026, 0, 2, 3, 4, 5), Date.UTC(2026, 0, 2, 3, 19, 5)]);
    const { host, searchParams } = signedUrl(value);
    expect(host).toBe('kafka.eu-central-1.amazonaws.com');
    // The signature is what botocore 1.43's SigV4QueryAuth computes for these credentials, time and request.
    expect(Object.fromEntries(searchParams)).toEqual({
      Action: 'kafka-cluster:Connect',
      'User-Agent': expect.stringContaining('aws-msk-iam-sasl-signer-js'),
      'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
      'X-Amz-Credential': 'AKIDEXAMPLE/20260102/eu-central-1/kafka-cluster/aws4_request',
      'X-Amz-Date': '20260102T030405Z',
      'X-Amz-Expires': '900',
      'X-Amz-Security-Token': 'session/token+==',
      'X-Amz-Signature': '6aefc0bbc06123e2056b0e9465d2379d6630e9157e1de38b0626664d17ee9759',
      'X-Amz-SignedHeaders': 'host',
    });
  });

  it('is written for OAUTHBEARER too, as the Java library has it', async () => {
    atFixedTime();
    const { tokens } = tokensOf(
      {
        'sasl.mechanism': 'OAUTHBEARER',
        'sasl.jaas.config': 'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;',
        'sasl.login.callback.handler.class': 'software.amazon.msk.auth.iam.IAMOAuthBearerLoginCallbackHandler',
      },
      ['boot-abc.c1.kafka-serverless.us-east-2.amazonaws.com:9098'],
    );
    expect(signedUrl((await tokens()).value).host).toBe('kafka.us-east-2.amazonaws.com');
  });

  it('takes the region of the process where the brokers do not name one', async () => {
    atFixedTime();
    vi.stubEnv('AWS_REGION', 'ap-south-1');
    expect(signedUrl((await tokensOf({}, ['kafka.internal:9098']).tokens()).value).host).toBe('kafka.ap-south-1.amazonaws.com');
    vi.stubEnv('AWS_REGION', undefined);
    vi.stubEnv('AWS_DEFAULT_REGION', undefined);
    expect(() => tokensOf({}, ['kafka.internal:9098'])).toThrow('the environment variable AWS_REGION is not set');
  });

  it('says what to check when there are no credentials', async () => {
    vi.stubEnv('AWS_CONFIG_FILE', '/nowhere/config');
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/nowhere/credentials');
    const { tokens } = tokensOf({ 'sasl.jaas.config': 'IAMLoginModule required awsProfileName="absent";' });
    await expect(tokens()).rejects.toThrow(/^No AWS credentials for sasl\.mechanism AWS_MSK_IAM: .*absent.*Check the options in sasl\.jaas\.config/);
  });
});
