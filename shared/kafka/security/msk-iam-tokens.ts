import { ConfigException, ConnectException, RetriableException } from '../../connect/errors.ts';
import type { BearerToken, BearerTokens } from './bearer-tokens.ts';
import { type LoginModule, refuse } from './jaas-config.ts';

// Lifetime of what the signer signs.
const lifetimeMs = 900_000;
const known = new Set(['awsProfileName', 'awsRoleArn', 'awsRoleSessionName', 'awsStsRegion', 'awsDebugCreds', 'awsMaxRetries', 'awsMaxBackOffTimeMs']);

/**
 * Tokens for Amazon MSK with IAM: a signed request, made here from the function's own AWS credentials, from those of a
 * profile (`awsProfileName`) or of a role (`awsRoleArn`, `awsRoleSessionName`). The brokers take them by OAUTHBEARER on
 * the port of AWS_MSK_IAM. Throws ConfigException.
 */
export function mskIamTokens({ options }: LoginModule, servers: readonly string[]): BearerTokens {
  for (const name of Object.keys(options)) {
    if (name.startsWith('aws') && !known.has(name)) {
      throw refuse(`The option ${name} is not supported here. Supported are awsProfileName, awsRoleArn and awsRoleSessionName`);
    }
  }
  const region = mskRegion(servers);
  const { awsProfileName, awsRoleArn, awsRoleSessionName } = options;
  return async () => {
    // Only who needs it pays for it: with its AWS clients it is the largest part of a login.
    const signer = await import('aws-msk-iam-sasl-signer-js');
    let signed: { token: string; expiryTime: number };
    try {
      if (awsRoleArn) signed = await signer.generateAuthTokenFromRole({ region, awsRoleArn, awsRoleSessionName });
      else if (awsProfileName) signed = await signer.generateAuthTokenFromProfile({ region, awsProfileName });
      else signed = await signer.generateAuthToken({ region });
    } catch (error) {
      throw explain(error, awsRoleArn);
    }
    const token: BearerToken = {
      value: signed.token,
      issuedAt: Math.min(Date.now(), signed.expiryTime - lifetimeMs),
      expiresAt: signed.expiryTime,
      extensions: {},
    };
    return token;
  };
}

/** The region of the cluster: part of its brokers' names, or else that of the process. */
function mskRegion(servers: readonly string[]): string {
  for (const server of servers) {
    const match = /\.kafka(?:-serverless)?\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?:\d+$/.exec(server);
    if (match) return match[1] as string;
  }
  const region = process.env['AWS_REGION'] || process.env['AWS_DEFAULT_REGION'];
  if (!region)
    throw new ConfigException('AWS_MSK_IAM needs to know the region: bootstrap.servers do not name it, and the environment variable AWS_REGION is not set');
  return region;
}

function explain(error: unknown, role: string | undefined): ConnectException {
  const { message, $metadata, code } = error as { message: string; code?: string; $metadata?: { httpStatusCode?: number } };
  const status = $metadata?.httpStatusCode ?? 0;
  const text = `No AWS credentials for sasl.mechanism AWS_MSK_IAM${role ? ` with the role ${role}` : ''}: ${message}`;
  if (status >= 500 || status === 429 || /^(ECONN|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EPIPE|TimeoutError)/.test(code ?? ''))
    return new RetriableException(text, { cause: error });
  return new ConnectException(`${text}. Check the options in sasl.jaas.config and the function's role.`, { cause: error });
}
