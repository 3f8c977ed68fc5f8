import type { RawConfig } from '../connect/config/config-def.ts';
import { BadRequestException } from './connect-rest-exception.ts';
import type { ConfigInfos, ConnectorOffset } from './entities.ts';
import { type UnknownKey, unknownKeys } from './unknown-keys.ts';

/** A key and what is wrong with it. */
export interface InvalidKey {
  readonly key: string;
  readonly errors: readonly string[];
}

/** What is worth telling of a config beside an answer that is Kafka Connect's. */
export interface ConfigNotes {
  /** Keys that nothing reads. */
  readonly unknownKeys: readonly UnknownKey[];
  /** Of a connector that was created: offsets that one of its name has left, with which it goes on. */
  readonly resumesFrom: readonly ConnectorOffset[];
}

/** 400: the message lists what is wrong as Kafka Connect does, which does not always say with which key; `invalidKeys` does. */
export class InvalidConfigException extends BadRequestException {
  readonly invalidKeys: readonly InvalidKey[];
  readonly unknownKeys: readonly UnknownKey[];

  constructor(config: RawConfig, infos: ConfigInfos) {
    const invalidKeys = infos.configs.flatMap(({ value }) => (value !== null && value.errors.length > 0 ? [{ key: value.name, errors: value.errors }] : []));
    super(
      `Connector configuration is invalid and contains the following ${infos.error_count} error(s):\n${invalidKeys.flatMap(({ errors }) => errors).join('\n')}\nYou can also find the above list of errors at the endpoint \`/connector-plugins/{connectorType}/config/validate\``,
    );
    this.invalidKeys = invalidKeys;
    this.unknownKeys = unknownKeys(config, infos);
  }
}
