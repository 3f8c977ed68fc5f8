import type { ConnectorDefinition } from '../connect/index.ts';
import { datagenSource } from './datagen/source.ts';
import { fileStreamSink } from './file/sink.ts';
import { fileStreamSource } from './file/source.ts';
import { jdbcSink } from './jdbc/sink.ts';
import { spoolDirSources } from './spooldir/source.ts';

/** Every connector that ships with Sluice; a new one adds a line. */
export const connectors: readonly ConnectorDefinition[] = [fileStreamSink, jdbcSink, fileStreamSource, ...spoolDirSources, datagenSource];
