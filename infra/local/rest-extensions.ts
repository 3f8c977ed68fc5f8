import { CredentialsFile } from '../../functions/rest-api/credentials-file.ts';
import { readJaasEntry, systemProperties } from './jaas-file.ts';
import { StartupError } from './startup-error.ts';
import type { WorkerProperties } from './worker-file.ts';

const basicAuthentication = 'org.apache.kafka.connect.rest.basic.auth.extension.BasicAuthSecurityRestExtension';
const propertyFile = 'org.apache.kafka.connect.rest.basic.auth.extension.PropertyFileLoginModule';
const jaasKey = 'java.security.auth.login.config';
const entry = 'KafkaConnect';

/**
 * What `rest.extension.classes` asks for: the credentials file of basic authentication, found as Kafka Connect finds it (the login
 * configuration that KAFKA_OPTS or the worker file names, its entry KafkaConnect, its PropertyFileLoginModule's `file`). Null: nobody need
 * say who he is.
 * @throws StartupError for an extension that cannot run here, and for what is missing or wrong
 */
export async function credentialsOf(worker: WorkerProperties, env: NodeJS.ProcessEnv): Promise<{ path: string; credentials: CredentialsFile } | null> {
  const classes = (worker['rest.extension.classes'] ?? '').split(',').map((each) => each.trim());
  const wanted = classes.filter((each) => each !== '');
  const [other] = wanted.filter((each) => each !== basicAuthentication && each !== 'BasicAuthSecurityRestExtension');
  if (other !== undefined)
    throw new StartupError(
      `rest.extension.classes names ${other}, which is Java and cannot run here: take it out, or put what it does in front of Sluice. ${basicAuthentication} is there.`,
    );
  if (wanted.length === 0) return null;
  const properties = systemProperties(['KAFKA_OPTS', 'JAVA_TOOL_OPTIONS', 'JDK_JAVA_OPTIONS'].map((name) => env[name] ?? '').join(' '));
  const jaas = worker[jaasKey] ?? properties[jaasKey];
  if (!jaas)
    throw new StartupError(
      `rest.extension.classes asks for basic authentication, but there is no login configuration with the entry ${entry}: set KAFKA_OPTS=-D${jaasKey}=FILE, or ${jaasKey}=FILE in the worker file.`,
    );
  const modules = await readJaasEntry(jaas, entry, properties);
  if (modules === null || modules.length === 0)
    throw new StartupError(`The login configuration ${jaas} has no entry ${entry}: expected ${entry} { ${propertyFile} required file="FILE"; };`);
  const module = modules.length === 1 ? modules[0] : undefined;
  if (module?.name !== propertyFile)
    throw new StartupError(
      `The entry ${entry} of the login configuration ${jaas} must have one login module, ${propertyFile}: others are Java and cannot run here.`,
    );
  const path = module.options['file'];
  if (!path) throw new StartupError(`The entry ${entry} of the login configuration ${jaas} has no file: expected ${propertyFile} required file="FILE";`);
  try {
    return { path, credentials: new CredentialsFile(path) };
  } catch (error) {
    throw new StartupError(`${(error as Error).message}.`, 1, { cause: error });
  }
}
