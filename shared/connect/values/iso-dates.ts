import { MILLIS_PER_DAY } from '../data/logical.ts';
import { SimpleDateFormat } from '../java/simple-date-format.ts';

const dateFormat = new SimpleDateFormat('yyyy-MM-dd', 0);
const timeFormat = new SimpleDateFormat("HH:mm:ss.SSS'Z'", 0);
const timestampFormat = new SimpleDateFormat("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'", 0);

/** The formats in which Kafka Connect reads and writes dates within texts, by the length of such a text. */
export const isoFormats = {
  date: { format: dateFormat, length: 10 },
  time: { format: timeFormat, length: 13 },
  timestamp: { format: timestampFormat, length: 24 },
};

/** A date as Kafka Connect writes it where the schema does not tell: a time on the first day of 1970 and before, a date at midnight, else both. */
export function isoText(date: Date): string {
  const millis = date.getTime();
  if (millis < MILLIS_PER_DAY) return timeFormat.format(millis);
  return (millis % MILLIS_PER_DAY === 0 ? dateFormat : timestampFormat).format(millis);
}
