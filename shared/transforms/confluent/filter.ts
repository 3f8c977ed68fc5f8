import {
  type ConnectRecord,
  configDef,
  DataException,
  oneOf,
  recordTransformation,
  type SchemaAndValue,
  string,
  type TransformationDefinition,
} from '../../connect/index.ts';
import { javaClassName } from '../../connect/java/java-value.ts';
import { VERSION } from './confluent-version.ts';
import { JsonPath, jsonPathValidator, plainData } from './json-path.ts';

const config = configDef({
  'filter.condition': string({ validator: jsonPathValidator, importance: 'HIGH', doc: 'JSON path; a record matches where it leads to something.' }),
  'filter.type': string({
    validator: oneOf('include', 'exclude'),
    importance: 'HIGH',
    doc: 'Whether records that match are kept (`include`) or dropped (`exclude`).',
  }),
  'missing.or.null.behavior': string({
    default: 'fail',
    validator: oneOf('fail', 'include', 'exclude'),
    importance: 'MEDIUM',
    doc: 'What becomes of records that lack the fields of the path: an error, kept, or dropped. Fields within a filter `[?()]` never match when they are missing.',
  }),
});

/**
 * Keeps or drops records by a JSON path.
 * `{"transforms.t.type": "io.confluent.connect.transforms.Filter$Value", "transforms.t.filter.condition": "$.order[?(@.state == 'paid')]", "transforms.t.filter.type": "include"}`
 */
export const filter: readonly TransformationDefinition[] = (['Key', 'Value'] as const).map((side) =>
  recordTransformation({
    className: `io.confluent.connect.transforms.Filter$${side}`,
    version: VERSION,
    overview: 'Keeps or drops records that a JSON path matches.',
    config,
    create({ 'filter.condition': condition, 'filter.type': type, 'missing.or.null.behavior': missing }) {
      const path = new JsonPath(condition);
      const stays = (data: SchemaAndValue): boolean => {
        const found = isContainer(data) ? path.find(plainData(data.schema, data.value)) : { values: [], missing: true };
        if (!found.missing) return found.values.length > 0 === (type === 'include');
        if (missing === 'fail') throw new DataException(`The record's ${side.toLowerCase()} has nothing at ${condition}, and missing.or.null.behavior is fail`);
        return missing === 'include';
      };
      return <R extends ConnectRecord>(record: R): R | null =>
        stays(side === 'Key' ? { schema: record.keySchema, value: record.key } : { schema: record.valueSchema, value: record.value }) ? record : null;
    },
  }),
);

/** Whether there is anything that has fields. Throws DataException for a single value. */
function isContainer({ schema, value }: SchemaAndValue): boolean {
  if (value === null || value === undefined) return false;
  if (value instanceof Map || Array.isArray(value) || schema?.type === 'STRUCT') return true;
  throw new DataException(`filter.condition needs a Struct, a Map or a List, and found: ${javaClassName(schema, value)}`);
}
