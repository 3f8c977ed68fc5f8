import type { ConfigProviderDefinition } from '../connect/index.ts';
import { custenborderSecretsManagerConfigProvider } from './custenborder-secrets-manager-config-provider.ts';
import { directoryConfigProvider } from './directory-config-provider.ts';
import { envVarConfigProvider } from './env-var-config-provider.ts';
import { fileConfigProvider } from './file-config-provider.ts';
import { secretsManagerConfigProvider } from './secrets-manager-config-provider.ts';
import { ssmParamStoreConfigProvider } from './ssm-param-store-config-provider.ts';

/** Every config provider that ships with Sluice; a new one adds a line. */
export const configProviders: readonly ConfigProviderDefinition[] = [
  custenborderSecretsManagerConfigProvider,
  directoryConfigProvider,
  envVarConfigProvider,
  fileConfigProvider,
  secretsManagerConfigProvider,
  ssmParamStoreConfigProvider,
];
