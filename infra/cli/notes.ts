import type { RestAnswer } from './rest-client.ts';

/** What headers of Sluice tell beside an answer, a line each; none where Kafka Connect itself answers. */
export function notesOf({ headers }: RestAnswer): string[] {
  const unknown = list<{ key: string; suggestion: string | null }>(headers.get('sluice-unknown-keys'));
  const resumes = headers.get('sluice-resumes-from');
  return [
    ...unknown.map(({ key, suggestion }) => `warning: nothing reads the key ${key}${suggestion === null ? '' : `; did you mean ${suggestion}?`}`),
    ...(resumes === null ? [] : [`goes on from ${resumes.split(';', 1)[0]} that a connector of this name has left; npm run sluice -- offsets shows them`]),
  ];
}

/** What is wrong with a config, each with its key; none where that is not told. */
export function invalidKeysOf({ headers }: RestAnswer): string[] {
  return list<{ key: string; errors: readonly string[] }>(headers.get('sluice-invalid-keys')).flatMap(({ key, errors }) =>
    errors.map((error) => `${key}: ${error}`),
  );
}

function list<T>(header: string | null): readonly T[] {
  return header === null ? [] : (JSON.parse(header) as T[]);
}
