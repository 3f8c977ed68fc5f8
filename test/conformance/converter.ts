import { type Converter, type HeaderConverter, NO_HEADERS } from '../../shared/connect/index.ts';
import { plugins } from '../../shared/plugins.ts';
import { type ConverterCase, encodePair, pairOf } from './converter-case.ts';
import { attempt, type Outcome } from './expectation.ts';
import { runValues } from './values.ts';

export function runConverter(each: ConverterCase): Outcome {
  if (each.class === 'org.apache.kafka.connect.data.Values') return runValues(each);
  return each.direction.endsWith('Header') ? runHeaderConverter(each) : runDataConverter(each);
}

function runDataConverter({ class: className, config, isKey, direction, topic, input }: ConverterCase): Outcome {
  const made = attempt('config', (): Converter => plugins.converter(className).create(config, isKey));
  if ('error' in made) return made;
  const converted = attempt('convert', () => {
    if (direction === 'toConnectData') return encodePair(made.value.toConnectData(topic, bytesOf(input), NO_HEADERS));
    const { schema, value } = pairOf(input);
    return encodeBytes(made.value.fromConnectData(topic, schema, value, NO_HEADERS));
  });
  return 'error' in converted ? converted : { answer: converted.value };
}

function runHeaderConverter({ class: className, config, direction, topic, header = '', input }: ConverterCase): Outcome {
  const made = attempt('config', (): HeaderConverter => plugins.headerConverter(className).create({ ...config, 'converter.type': 'header' }));
  if ('error' in made) return made;
  const converted = attempt('convert', () => {
    if (direction === 'toConnectHeader') return encodePair(made.value.toConnectHeader(topic, header, bytesOf(input)));
    const { schema, value } = pairOf(input);
    return encodeBytes(made.value.fromConnectHeader(topic, header, schema, value));
  });
  return 'error' in converted ? converted : { answer: converted.value };
}

function bytesOf(input: ConverterCase['input']): Buffer | null {
  const bytes = typeof input === 'object' && input !== null ? input.bytes : null;
  return bytes === null || bytes === undefined ? null : Buffer.from(bytes, 'base64');
}

function encodeBytes(bytes: Uint8Array | null): { bytes: string | null } {
  return { bytes: bytes === null ? null : Buffer.from(bytes).toString('base64') };
}
