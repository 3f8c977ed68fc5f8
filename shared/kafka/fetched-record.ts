import { ConnectException } from '../connect/errors.ts';
import type { ConsumerRecord, RecordHeader } from './ports.ts';

/** What the records of one batch share. */
export interface RecordSource {
  /** Where the records are, decompressed. */
  readonly buffer: Buffer;
  readonly baseOffset: bigint;
  readonly timestampType: 'CreateTime' | 'LogAppendTime';
  /** The base of the records' deltas, or the time of all of them when the log stamped them. */
  readonly timestamp: number;
  /** For messages. */
  readonly partition: string;
}

const noHeaders: readonly RecordHeader[] = Object.freeze([]);

/**
 * A record as places in a fetched buffer: small numbers only, so that millions a second can be made. Key, value and
 * headers become objects when they are first asked for. (`declare`: a field that is defined before it is assigned
 * costs a second write.)
 */
export class FetchedRecord implements ConsumerRecord {
  declare private readonly source: RecordSource;
  declare private readonly offsetDelta: number;
  declare private readonly timestampDelta: number;
  declare private readonly keyStart: number;
  declare private readonly keyLength: number;
  declare private readonly valueStart: number;
  declare private readonly valueLength: number;
  declare private readonly headersStart: number;
  declare private readonly end: number;
  declare private keyView: Buffer | null | undefined;
  declare private valueView: Buffer | null | undefined;
  declare private headerList: readonly RecordHeader[] | undefined;

  constructor(
    source: RecordSource,
    offsetDelta: number,
    timestampDelta: number,
    keyStart: number,
    keyLength: number,
    valueStart: number,
    valueLength: number,
    headersStart: number,
    end: number,
  ) {
    this.source = source;
    this.offsetDelta = offsetDelta;
    this.timestampDelta = timestampDelta;
    this.keyStart = keyStart;
    this.keyLength = keyLength;
    this.valueStart = valueStart;
    this.valueLength = valueLength;
    this.headersStart = headersStart;
    this.end = end;
    this.keyView = keyLength < 0 ? null : undefined;
    this.valueView = valueLength < 0 ? null : undefined;
    this.headerList = undefined;
  }

  get offset(): bigint {
    return this.source.baseOffset + BigInt(this.offsetDelta);
  }

  get timestamp(): number {
    return this.source.timestampType === 'LogAppendTime' ? this.source.timestamp : this.source.timestamp + this.timestampDelta;
  }

  get timestampType(): 'CreateTime' | 'LogAppendTime' {
    return this.source.timestampType;
  }

  get key(): Buffer | null {
    if (this.keyView === undefined) this.keyView = this.source.buffer.subarray(this.keyStart, this.keyStart + this.keyLength);
    return this.keyView;
  }

  get value(): Buffer | null {
    if (this.valueView === undefined) this.valueView = this.source.buffer.subarray(this.valueStart, this.valueStart + this.valueLength);
    return this.valueView;
  }

  get headers(): readonly RecordHeader[] {
    if (this.headerList === undefined) {
      const none = this.source.buffer[this.headersStart] === 0 && this.headersStart + 1 === this.end;
      this.headerList = none ? noHeaders : this.decodeHeaders();
    }
    return this.headerList;
  }

  private decodeHeaders(): readonly RecordHeader[] {
    const { buffer } = this.source;
    let position = this.headersStart;
    const number = (): number => {
      let value = 0;
      for (let shift = 0; shift < 35 && position < this.end; shift += 7) {
        const byte = buffer[position++] as number;
        value |= (byte & 0x7f) << shift;
        if (byte < 0x80) return (value >>> 1) ^ -(value & 1);
      }
      throw this.corrupt();
    };
    const bytes = (length: number): Buffer => {
      position += length;
      if (position > this.end) throw this.corrupt();
      return buffer.subarray(position - length, position);
    };
    const count = number();
    // A header needs two bytes at least.
    if (count < 0 || count > (this.end - position) / 2) throw this.corrupt();
    const headers: RecordHeader[] = new Array(count);
    for (let index = 0; index < count; index++) {
      const keyLength = number();
      if (keyLength < 0) throw this.corrupt();
      const key = bytes(keyLength).toString();
      const valueLength = number();
      headers[index] = { key, value: valueLength < 0 ? null : bytes(valueLength) };
    }
    if (position !== this.end) throw this.corrupt();
    return headers;
  }

  private corrupt(): ConnectException {
    return new ConnectException(`The headers of the record at offset ${this.offset} of ${this.source.partition} are corrupt`);
  }
}
