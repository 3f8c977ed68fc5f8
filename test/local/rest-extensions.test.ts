import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { credentialsOf } from '../../infra/local/rest-extensions.ts';

const extension = 'org.apache.kafka.connect.rest.basic.auth.extension.BasicAuthSecurityRestExtension';
const login = 'org.apache.kafka.connect.rest.basic.auth.extension.PropertyFileLoginModule';
const worker = { 'rest.extension.classes': extension };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice jaas-'));
  await writeFile(path('credentials'), 'alice: secret\n');
});
afterAll(() => rm(folder, { recursive: true }));

const path = (name: string) => join(folder, name);
async function jaas(text: string): Promise<{ KAFKA_OPTS: string }> {
  await writeFile(path('jaas.conf'), text);
  return { KAFKA_OPTS: `-Xmx1g "-Djava.security.auth.login.config=${path('jaas.conf')}" -Dcredentials=${'credentials'}` };
}
const basic = (user: string) => `Basic ${Buffer.from(user).toString('base64')}`;

test('without rest.extension.classes nobody need log in', async () => {
  expect(await credentialsOf({}, {})).toBeNull();
  expect(await credentialsOf({ 'rest.extension.classes': ' ' }, await jaas('broken {'))).toBeNull();
});

test.each([
  ['in one line', () => `KafkaConnect { ${login} required file="${path('credentials')}"; };`],
  [
    'among other entries, with comments',
    () => `// one\nKafkaClient{a.B required x="}";};\n/* two */ KafkaConnect {\n  ${login}   REQUIRED\n  debug=true file="${path('credentials')}";\n};\n`,
  ],
  ['with a property of the system', () => `KafkaConnect { ${login} required file="${folder}/\${credentials}"; };`],
])('the credentials are those of the login configuration: %s', async (_, text) => {
  const found = await credentialsOf(worker, await jaas(text()));
  expect(found?.path).toBe(path('credentials'));
  expect(found?.credentials.allows(basic('alice:secret'))).toBe(true);
  expect(found?.credentials.allows(basic('alice:other'))).toBe(false);
  expect(found?.credentials.allows(found.credentials.authorization())).toBe(true);
});

test('the login configuration may be named in the worker file, and the extension by its short name', async () => {
  await jaas(`KafkaConnect { ${login} required file="${path('credentials')}"; };`);
  const named = { 'rest.extension.classes': 'BasicAuthSecurityRestExtension', 'java.security.auth.login.config': path('jaas.conf') };
  expect((await credentialsOf(named, {}))?.path).toBe(path('credentials'));
});

test.each([
  ['no login configuration', undefined, /no login configuration with the entry KafkaConnect: set KAFKA_OPTS=-Djava\.security\.auth\.login\.config=FILE, or /],
  ['no entry', 'Other { a.B required; };', /jaas\.conf has no entry KafkaConnect: expected KafkaConnect \{/],
  ['another module', 'KafkaConnect { a.LdapLoginModule required; };', /must have one login module, .*PropertyFileLoginModule/],
  ['two modules', `KafkaConnect { ${login} required file="a"; ${login} required file="b"; };`, /must have one login module/],
  ['no file', `KafkaConnect { ${login} required; };`, /has no file: expected/],
  [
    'a file that is not there',
    `KafkaConnect { ${login} required file="/nowhere/credentials"; };`,
    /The credentials file \/nowhere\/credentials cannot be read: there is no such file\.$/,
  ],
  ['an unknown property', `KafkaConnect { ${login} required file="\${nobody}"; };`, /the system property nobody, which is not set/],
  ['an end too early', `KafkaConnect {\n  ${login} required file="a"`, /jaas\.conf is wrong at line 2: expected an option or ';'\.$/],
  ['an open quotation mark', `KafkaConnect { ${login} required\n file="a;\n};`, /is wrong at line 2: expected the end of a text in quotes/],
  ['no flag', `KafkaConnect { ${login} file="a"; };`, /expected required, requisite, sufficient or optional/],
])('%s is told', async (_, text, message) => {
  await expect(credentialsOf(worker, text === undefined ? {} : await jaas(text))).rejects.toThrow(message);
});

test('a login configuration that is not there is told', async () => {
  await expect(credentialsOf(worker, { KAFKA_OPTS: '-Djava.security.auth.login.config=/nowhere/jaas.conf' })).rejects.toThrow(
    'The login configuration /nowhere/jaas.conf cannot be read: there is no such file.',
  );
});

test('a credentials file that is empty, or no properties file, is told without a word of it', async () => {
  const env = await jaas(`KafkaConnect { ${login} required file="${path('wrong')}"; };`);
  await writeFile(path('wrong'), '# nobody\n');
  await expect(credentialsOf(worker, env)).rejects.toThrow(/credentials file \S+ \S+wrong is empty: expected a line such as alice: PASSWORD/);
  await writeFile(path('wrong'), 'alice: hunter2\\u00zz\n');
  await expect(credentialsOf(worker, env)).rejects.toThrow(/is not a properties file: expected lines such as alice: PASSWORD\.$/);
});

test('an extension that cannot run here is refused', async () => {
  await expect(credentialsOf({ 'rest.extension.classes': `${extension},com.example.Audit` }, {})).rejects.toThrow(/names com\.example\.Audit, which is Java/);
});
