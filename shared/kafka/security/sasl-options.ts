import { ConfigException } from '../../connect/errors.ts';
import { nonEmptyText, oneOf } from '../config-values.ts';
import type { KafkaClientConfig } from '../ports.ts';
import { type BearerTokens, cachedTokens } from './bearer-tokens.ts';
import { type LoginModule, parseJaasConfig, refuse, requiredOption } from './jaas-config.ts';
import { mskIamTokens } from './msk-iam-tokens.ts';
import { endpointTokens } from './token-endpoint.ts';
import { unsecuredToken } from './unsecured-jws.ts';

/** How to log in. `mechanism` is what the broker is told, `named` what the user wrote in `sasl.mechanism`. */
export type SaslSettings = PasswordLogin | TokenLogin;

export interface PasswordLogin {
  readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512';
  readonly named: string;
  readonly username: string;
  readonly password: string;
}

export interface TokenLogin {
  readonly mechanism: 'OAUTHBEARER';
  readonly named: string;
  readonly tokens: BearerTokens;
}

/** Logins by `sasl.*` keys. Throws ConfigException that names the key and never says its value. */
export function saslSettings(config: KafkaClientConfig, servers: readonly string[]): SaslSettings {
  // GSSAPI is Kafka's default: who says nothing asks for it.
  const named = oneOf(config, 'sasl.mechanism', ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER', 'AWS_MSK_IAM'], 'GSSAPI', true);
  const module = loginModule(config, named);
  if (named === 'AWS_MSK_IAM') return { mechanism: 'OAUTHBEARER', named, tokens: cachedTokens(config, mskIamTokens(module, servers)) };
  if (named === 'OAUTHBEARER') return { mechanism: 'OAUTHBEARER', named, tokens: oauthTokens(config, module, servers) };
  if (module.options['tokenauth']?.toLowerCase() === 'true')
    throw refuse('Logins with delegation tokens (tokenauth="true") are not supported: use a name and a password');
  return {
    mechanism: named as PasswordLogin['mechanism'],
    named,
    username: requiredOption(module, 'username'),
    password: requiredOption(module, 'password'),
  };
}

function loginModule(config: KafkaClientConfig, mechanism: string): LoginModule {
  const jaas = config['sasl.jaas.config'];
  if (jaas) return parseJaasConfig(jaas);
  // Since Kafka 4.1 everything may be in keys of its own (KIP-1139).
  if (mechanism === 'OAUTHBEARER' && nonEmptyText(config, 'sasl.oauthbearer.token.endpoint.url')) return { name: 'OAuthBearerLoginModule', options: {} };
  if (mechanism === 'AWS_MSK_IAM') return { name: 'IAMLoginModule', options: {} };
  throw new ConfigException('Missing required configuration "sasl.jaas.config", which security.protocol SASL_PLAINTEXT and SASL_SSL need.');
}

const simpleName = (className: string) => className.slice(className.lastIndexOf('.') + 1);

function oauthTokens(config: KafkaClientConfig, module: LoginModule, servers: readonly string[]): BearerTokens {
  const key = 'sasl.login.callback.handler.class';
  const handler = nonEmptyText(config, key);
  const unsecured = () => {
    // Whether the options are right is known at once.
    unsecuredToken(module);
    return cachedTokens(config, async () => unsecuredToken(module));
  };
  switch (handler === undefined ? undefined : simpleName(handler)) {
    case undefined:
      return nonEmptyText(config, 'sasl.oauthbearer.token.endpoint.url') ? endpoint(config, module) : unsecured();
    case 'OAuthBearerLoginCallbackHandler':
      return endpoint(config, module);
    case 'OAuthBearerUnsecuredLoginCallbackHandler':
      return unsecured();
    case 'IAMOAuthBearerLoginCallbackHandler':
      return cachedTokens(config, mskIamTokens(module, servers));
    default:
      throw ConfigException.forValue(
        key,
        handler,
        'Java classes cannot be used here. Known are org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler and software.amazon.msk.auth.iam.IAMOAuthBearerLoginCallbackHandler',
      );
  }
}

function endpoint(config: KafkaClientConfig, module: LoginModule): BearerTokens {
  const key = 'sasl.oauthbearer.jwt.retriever.class';
  const retriever = nonEmptyText(config, key);
  if (retriever && !/(^|\.)(Default|ClientCredentials|File)JwtRetriever$/.test(retriever)) {
    throw ConfigException.forValue(key, retriever, 'Tokens come by client credentials or from a file: leave it out');
  }
  return cachedTokens(config, endpointTokens(config, module));
}
