// Run before a task function's file: calls its handler as Lambda would, and tells when its first Fetch request left.
const { Socket } = require('node:net');
const { writeSync } = require('node:fs');

const [, , file, payload] = process.argv;
const fetchKey = 1;
const write = Socket.prototype.write;
let told = false;
const sinceStart = () => performance.now();

Socket.prototype.write = function (chunk, ...rest) {
  // Size, API key, API version: a request of Kafka's protocol begins so. Fetch 11 is the only one with these four bytes.
  if (!told && Buffer.isBuffer(chunk) && chunk.length > 8 && chunk.readInt16BE(4) === fetchKey && chunk.readInt16BE(6) === 11) {
    told = true;
    writeSync(1, `${JSON.stringify({ importMs, at: performance.timeOrigin + sinceStart() })}\n`);
  }
  return write.call(this, chunk, ...rest);
};

const before = sinceStart();
const { handler } = require(file);
const importMs = sinceStart() - before;
if (payload === undefined) {
  writeSync(1, `${JSON.stringify({ importMs })}\n`);
  process.exit(0);
}
const endsAt = Date.now() + 60_000;
const context = { awsRequestId: `cold-${process.pid}-${Date.now()}`, functionName: 'task', getRemainingTimeInMillis: () => endsAt - Date.now() };
handler(JSON.parse(payload), context).then(
  ({ outcome }) => process.exit(told && outcome !== 'failed' ? 0 : 1),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
