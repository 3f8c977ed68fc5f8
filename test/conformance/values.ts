import { dateSchema, decimalSchema, Schema, timeSchema, timestampSchema } from '../../shared/connect/index.ts';
import { convertValue } from '../../shared/connect/values/convert-value.ts';
import { parseString } from '../../shared/connect/values/parse-string.ts';
import { valueText } from '../../shared/connect/values/value-text.ts';
import { type ConverterCase, encodePair, pairOf } from './converter-case.ts';
import { attempt, type Outcome } from './expectation.ts';
import { encodeValue } from './tagged-values.ts';

/** Java's `Values.convertTo…`, by the schema of what comes out. */
const targets: Readonly<Record<string, (scale: number) => Schema>> = {
  Boolean: () => Schema.OPTIONAL_BOOLEAN_SCHEMA,
  Byte: () => Schema.OPTIONAL_INT8_SCHEMA,
  Short: () => Schema.OPTIONAL_INT16_SCHEMA,
  Integer: () => Schema.OPTIONAL_INT32_SCHEMA,
  Long: () => Schema.OPTIONAL_INT64_SCHEMA,
  Float: () => Schema.OPTIONAL_FLOAT32_SCHEMA,
  Double: () => Schema.OPTIONAL_FLOAT64_SCHEMA,
  List: () => new Schema({ type: 'ARRAY' }),
  Map: () => new Schema({ type: 'MAP' }),
  Date: () => dateSchema(),
  Time: () => timeSchema(),
  Timestamp: () => timestampSchema(),
  Decimal: (scale) => decimalSchema(scale),
};

/** Runs a case of Java's class `Values`: what texts mean, and how values are converted. */
export function runValues({ direction, input, scale = 0 }: ConverterCase): Outcome {
  const outcome = attempt('convert', () => {
    if (direction === 'parseString') {
      const parsed = parseString(input as string | null);
      return parsed === null ? { result: null } : encodePair(parsed);
    }
    const { schema, value } = pairOf(input);
    if (direction === 'convertToString') return { string: valueText(schema, value) };
    const target = targets[direction.slice('convertTo'.length)]?.(scale);
    if (target === undefined) throw new Error(`unknown direction ${direction}`);
    const converted = convertValue(target, schema, value);
    // Lists and maps come out as they went in, or as the text that was parsed says.
    const from = target.type !== 'ARRAY' && target.type !== 'MAP' ? target : typeof value === 'string' ? (parseString(value)?.schema ?? null) : schema;
    return { value: encodeValue(from, converted) };
  });
  return 'error' in outcome ? outcome : { answer: outcome.value };
}
