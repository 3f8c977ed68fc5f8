import { DATE, DataException, DECIMAL, Decimal, MILLIS_PER_DAY, type Schema, TIME, TIMESTAMP } from '../../../connect/index.ts';
import { javaClassName } from '../../../connect/java/java-value.ts';

/** Turns a logical value into what it is made of: bytes, days, milliseconds. Throws DataException. Null: the schema is no logical type. */
export function toUnderlying(schema: Schema): ((value: unknown) => unknown) | null {
  switch (schema.name) {
    case DECIMAL: {
      const scale = Number(schema.parameters?.['scale']);
      return (value) => {
        if (!(value instanceof Decimal)) throw new DataException(`Invalid type for Decimal, expected BigDecimal but was class ${javaClassName(schema, value)}`);
        if (value.scale !== scale) {
          throw new DataException(`Decimal value has mismatching scale for given Decimal schema. Schema has scale ${scale}, value has scale ${value.scale}.`);
        }
        return Decimal.toBytes(value.unscaled);
      };
    }
    case DATE:
      return (value) => {
        const days = dateOf(schema, value, 'Date').getTime() / MILLIS_PER_DAY;
        if (!Number.isInteger(days)) throw new DataException('Kafka Connect Date type should not have any time fields set to non-zero values.');
        return days | 0;
      };
    case TIME:
      return (value) => {
        const millis = dateOf(schema, value, 'Time').getTime();
        if (millis < 0 || millis > MILLIS_PER_DAY) throw new DataException('Kafka Connect Time type should not have any date fields set to non-zero values.');
        return millis;
      };
    case TIMESTAMP:
      return (value) => BigInt(dateOf(schema, value, 'Timestamp').getTime());
    default:
      return null;
  }
}

/** The other way round. Throws DataException. */
export function fromUnderlying(schema: Schema): ((value: unknown) => unknown) | null {
  switch (schema.name) {
    case DECIMAL: {
      const scale = Number(schema.parameters?.['scale']);
      return (value) => {
        if (!(value instanceof Uint8Array))
          throw new DataException(`Invalid type for Decimal, underlying representation should be bytes but was class ${javaClassName(null, value)}`);
        return new Decimal(Decimal.fromBytes(value), scale);
      };
    }
    case DATE:
      return (value) => {
        if (typeof value !== 'number')
          throw new DataException(`Invalid type for Date, underlying representation should be int32 but was class ${javaClassName(null, value)}`);
        return new Date(value * MILLIS_PER_DAY);
      };
    case TIME:
      return (value) => {
        if (typeof value !== 'number')
          throw new DataException(`Invalid type for Time, underlying representation should be int32 but was class ${javaClassName(null, value)}`);
        if (value < 0 || value > MILLIS_PER_DAY) throw new DataException('Time values must use number of milliseconds greater than 0 and less than 86400000');
        return new Date(value);
      };
    case TIMESTAMP:
      return (value) => {
        if (typeof value !== 'bigint')
          throw new DataException(`Invalid type for Timestamp, underlying representation should be int64 but was class ${javaClassName(null, value)}`);
        return new Date(Number(value));
      };
    default:
      return null;
  }
}

function dateOf(schema: Schema, value: unknown, type: string): Date {
  if (value instanceof Date) return value;
  throw new DataException(`Invalid type for ${type}, expected Date but was class ${javaClassName(schema, value)}`);
}
