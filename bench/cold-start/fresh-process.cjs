// Runs in a fresh process: loads a function's file, and a driver of it when one is named, and tells how long each took. With a request
// and the file of a sink it calls the handler as Lambda would, and tells when the first Fetch request left and when the first record was put.
const { writeSync } = require('node:fs');
const promises = require('node:fs/promises');
const { syncBuiltinESMExports } = require('node:module');
const { Socket } = require('node:net');
const { parseArgs } = require('node:util');

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { driver: { type: 'string' }, request: { type: 'string' }, sink: { type: 'string' } },
});
const [file] = positionals;
const fetchKey = 1;
const fetchVersion = 11;
const told = new Set();

/** In milliseconds of Unix time, with fractions: another process can tell the difference. */
const now = () => performance.timeOrigin + performance.now();

function tell(what, value) {
  if (told.has(what)) return;
  told.add(what);
  writeSync(1, `${JSON.stringify({ [what]: value })}\n`);
}

const { write } = Socket.prototype;
Socket.prototype.write = function (chunk, ...rest) {
  // Size, API key, API version: a request of Kafka's protocol begins so.
  if (Buffer.isBuffer(chunk) && chunk.length > 8 && chunk.readInt16BE(4) === fetchKey && chunk.readInt16BE(6) === fetchVersion) tell('firstFetchAt', now());
  return write.call(this, chunk, ...rest);
};

const { open } = promises;
promises.open = async (path, ...rest) => {
  const handle = await open(path, ...rest);
  if (path !== values.sink) return handle;
  const { appendFile } = handle;
  handle.appendFile = (...given) => {
    tell('firstPutAt', now());
    return appendFile.apply(handle, given);
  };
  return handle;
};
// Sources that are not bundled import it by name.
syncBuiltinESMExports();

function load(what, path) {
  const before = performance.now();
  const module = require(path);
  tell(what, performance.now() - before);
  return module;
}

const { handler } = load('importMs', file);
if (values.driver !== undefined) load('driverMs', values.driver);
if (values.request === undefined) process.exit(0);
const endsAt = Date.now() + 60_000;
const context = { awsRequestId: `cold-${process.pid}-${Date.now()}`, functionName: 'task', getRemainingTimeInMillis: () => endsAt - Date.now() };
handler(JSON.parse(values.request), context).then(
  ({ outcome }) => {
    if (told.has('firstPutAt') && outcome !== 'failed') process.exit(0);
    console.error(`The run ended with ${outcome}; told: ${[...told]}`);
    process.exit(1);
  },
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
