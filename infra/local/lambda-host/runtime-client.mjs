/**
 * What runs inside an execution environment: a client of the Lambda Runtime API, plain and small so that it starts fast.
 * It loads the function's CommonJS bundle and asks for one invocation after the other.
 */
import { Agent, request } from 'node:http';
import { createRequire } from 'node:module';

const api = new URL(`http://${process.env.AWS_LAMBDA_RUNTIME_API}/`);
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
const base = `${api.pathname.replace(/\/$/, '')}/2018-06-01/runtime`;

// When the host is gone, whatever happened to it, nobody needs this process.
process.stdin
  .on('end', () => process.exit(1))
  .on('error', () => process.exit(1))
  .resume();
process.stdin.unref?.();

function call(method, path, body) {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const sent = request({ host: api.hostname, port: api.port, method, path: base + path, headers, agent }, (answer) => {
      const chunks = [];
      answer.on('data', (chunk) => chunks.push(chunk)).on('end', () => resolve({ headers: answer.headers, body: Buffer.concat(chunks).toString() }));
    });
    sent.setNoDelay(true);
    sent.on('error', reject).end(body);
  });
}

function errorBody(error, fallback) {
  const known = error instanceof Error;
  return JSON.stringify({
    errorType: known ? error.name : fallback,
    errorMessage: known ? error.message : String(error),
    trace: known ? (error.stack ?? '').split('\n') : [],
  });
}

async function endWith(error, type) {
  console.error(JSON.stringify({ level: 'ERROR', message: type, error: error instanceof Error ? error.stack : String(error) }));
  process.exit(129);
}
process.on('uncaughtException', (error) => endWith(error, 'Runtime.UncaughtException'));
process.on('unhandledRejection', (error) => endWith(error, 'Runtime.UnhandledPromiseRejection'));

let handler;
try {
  const [file, name] = process.env._HANDLER.split('#');
  handler = createRequire(import.meta.url)(file)[name];
  if (typeof handler !== 'function') throw new TypeError(`${name} is not exported by the bundle`);
} catch (error) {
  await call('POST', '/init/error', errorBody(error, 'Runtime.ImportModuleError'));
  console.error(error);
  process.exit(1);
}

for (;;) {
  const { headers, body } = await call('GET', '/invocation/next');
  const requestId = headers['lambda-runtime-aws-request-id'];
  const deadline = Number(headers['lambda-runtime-deadline-ms']);
  const context = {
    callbackWaitsForEmptyEventLoop: true,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: '$LATEST',
    invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    awsRequestId: requestId,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
  };
  process.env._X_AMZN_TRACE_ID = headers['lambda-runtime-trace-id'];
  let path = `/invocation/${requestId}/response`;
  let answer;
  try {
    answer = JSON.stringify(await handler(JSON.parse(body), context)) ?? 'null';
  } catch (error) {
    console.error(error);
    path = `/invocation/${requestId}/error`;
    answer = errorBody(error, 'Error');
  }
  await call('POST', path, answer);
}
